//! Leases and cursors.

use partneros_domain::{HubSpotId, Mappings};

use super::world::{World, at};
use crate::{Commit, Cursor, Error, Lease, Result, Store};

#[track_caller]
fn lost(result: &Result<impl std::fmt::Debug>) {
    assert!(matches!(result, Err(Error::LeaseLost(_))), "{result:?}");
}

pub(super) async fn one_worker_holds_a_lease(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, first) = (world.organization, world.lease);
    let acquire = async |now, until| {
        store
            .acquire_lease(organization, world.pair, at(now), at(until))
            .await
            .unwrap()
    };
    assert_eq!(acquire(999, 2_000).await, None);
    store
        .renew_lease(organization, first, at(1_500))
        .await
        .unwrap();
    assert_eq!(acquire(1_499, 2_000).await, None);
    let second = acquire(1_500, 2_000).await.unwrap();
    assert!(second.epoch > first.epoch);
    assert_eq!(second.pair_id, world.pair);
    store.release_lease(organization, second).await.unwrap();
    let third = acquire(1_501, 2_000).await.unwrap();
    assert!(third.epoch > second.epoch);
}

pub(super) async fn a_lost_lease_is_left_alone(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, first) = (world.organization, world.lease);
    let second = store
        .acquire_lease(organization, world.pair, at(1_000), at(2_000))
        .await
        .unwrap()
        .unwrap();
    lost(&store.renew_lease(organization, first, at(9_000)).await);
    store.release_lease(organization, first).await.unwrap();
    let third = store
        .acquire_lease(organization, world.pair, at(1_999), at(3_000))
        .await
        .unwrap();
    assert_eq!(
        third, None,
        "releasing a lost lease must not end the other's"
    );
    let forged = Lease {
        epoch: second.epoch + 1,
        ..second
    };
    lost(&store.renew_lease(organization, forged, at(9_000)).await);
    // One that was given back is lost as well.
    store.release_lease(organization, second).await.unwrap();
    lost(&store.renew_lease(organization, second, at(9_000)).await);
}

pub(super) async fn leases_of_workers_that_are_gone_end_together(store: &dyn Store) {
    let world = World::new(store).await;
    let other = World::numbered(store, 2).await;
    assert_eq!(store.end_leases().await.unwrap(), 2);
    for world in [&world, &other] {
        let organization = world.organization;
        lost(&store.renew_lease(organization, world.lease, at(9)).await);
        let next = store.acquire_lease(organization, world.pair, at(1), at(2));
        assert!(next.await.unwrap().unwrap().epoch > world.lease.epoch);
    }
    assert_eq!(store.end_leases().await.unwrap(), 2);
    assert_eq!(store.end_leases().await.unwrap(), 0);
}

pub(super) async fn the_cursor_is_set_and_forgotten(store: &dyn Store) {
    let world = World::new(store).await;
    let set = async |cursor| {
        store
            .set_cursor(world.organization, world.pair, cursor)
            .await
            .unwrap();
        assert_eq!(world.cursor().await, cursor);
    };
    assert_eq!(world.cursor().await, None);
    for drained_to in [Some(HubSpotId(12)), None] {
        set(Some(Cursor {
            modified_at: at(5),
            drained_to,
            mapping_version: 0,
        }))
        .await;
    }
    set(None).await;
}

pub(super) async fn a_cursor_of_other_mappings_is_none(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let mappings = Mappings(Vec::new());
    let version = store.put_mappings(organization, pair, 0, &mappings).await;
    let cursor = Cursor {
        modified_at: at(5),
        drained_to: None,
        mapping_version: version.unwrap(),
    };
    let stored = || async {
        let page = Commit {
            cursor: Some(cursor),
            ..world.batch(Vec::new())
        };
        store.commit(organization, page).await.unwrap();
        world.cursor().await
    };
    assert_eq!(stored().await, Some(cursor));
    let version = store.put_mappings(organization, pair, 1, &mappings).await;
    assert_eq!(world.cursor().await, None);
    // Who still syncs by the mappings before brings no cursor back.
    assert_eq!(stored().await, None);
    let mapping_version = version.unwrap();
    let cursor = Cursor {
        mapping_version,
        ..cursor
    };
    let set = store.set_cursor(organization, pair, Some(cursor));
    set.await.unwrap();
    assert_eq!(world.cursor().await, Some(cursor));
}
