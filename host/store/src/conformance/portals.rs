//! Which portal a connection is of: the same again, one more, or another in its place.

use partneros_domain::{ConnectionId, DeletePolicy, Direction, HubSpotId, PairState};

use super::plugin_world::parts;
use super::world::{World, at, failure, new_connection, refused_as_conflict, refused_as_not_found};
use crate::{
    BindingScope, Credential, Cursor, Error, NewConnection, OAuthState, OtherPortal, PairPatch,
    Rounds, Store,
};

/// Another portal's connection, and what it does about those there are.
fn another(world: &World<'_>, portal_id: i64, other_portal: OtherPortal) -> NewConnection {
    NewConnection {
        other_portal,
        ..new_connection(ConnectionId(world.uuid()), portal_id)
    }
}

pub(super) async fn the_same_portal_goes_on_where_it_was(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let record = world.pulled(7).await;
    let cursor = Cursor {
        modified_at: at(5),
        drained_to: None,
        mapping_version: 0,
    };
    store
        .set_cursor(organization, pair, Some(cursor))
        .await
        .unwrap();
    for other_portal in [
        OtherPortal::Refuse,
        OtherPortal::Beside,
        OtherPortal::InsteadOf(world.connection),
    ] {
        store
            .disconnect(organization, world.connection, at(6))
            .await
            .unwrap();
        let again = another(&world, 1, other_portal);
        let renewed = store.put_connection(organization, again).await.unwrap();
        assert_eq!(renewed.id, world.connection);
        assert!(world.linked(record).await.is_some());
        assert_eq!(world.cursor().await, Some(cursor));
        let kept = store.pair(organization, pair).await.unwrap();
        assert_eq!(
            (kept.connection_id, kept.state),
            (world.connection, PairState::Active)
        );
    }
}

pub(super) async fn another_portal_is_an_explicit_choice(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let refused = async || {
        let new = another(&world, 2, OtherPortal::Refuse);
        match store.put_connection(organization, new).await {
            Err(Error::OtherPortal {
                portal_id: 2,
                connected,
            }) => connected,
            other => panic!("expected `OtherPortal`, got {other:?}"),
        }
    };
    assert_eq!(refused().await, [(world.connection, 1)]);
    // Its pairs wait for it.
    store
        .disconnect(organization, world.connection, at(1))
        .await
        .unwrap();
    assert_eq!(refused().await, [(world.connection, 1)]);
    assert_eq!(store.connections(organization).await.unwrap().len(), 1);
    let beside = another(&world, 2, OtherPortal::Beside);
    let beside = store.put_connection(organization, beside).await.unwrap();
    assert_eq!((beside.portal_id, beside.connected_at), (2, at(0)));
    let pair = store.pair(organization, world.pair).await.unwrap();
    assert_eq!(pair.connection_id, world.connection);
    // One without pairs that was ended again is nothing to choose about.
    store
        .disconnect(organization, beside.id, at(1))
        .await
        .unwrap();
    store.delete_pair(organization, world.pair).await.unwrap();
    let third = another(&world, 3, OtherPortal::Refuse);
    store.put_connection(organization, third).await.unwrap();
}

pub(super) async fn pairs_move_to_another_portal_without_what_is_of_theirs(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let record = world.pulled(7).await;
    let mut failing = world.creation(8);
    failing.failures = vec![failure("bad")];
    world.commit(vec![failing]).await;
    world.edit(record, "edited", 30).await;
    let cursor = Cursor {
        modified_at: at(5),
        drained_to: None,
        mapping_version: 0,
    };
    store
        .set_cursor(organization, pair, Some(cursor))
        .await
        .unwrap();
    let mappings = store.mappings(organization, pair).await.unwrap();
    let mapper = world.version("mapper", "a").await;
    world.bind(BindingScope::Pair(pair), &[mapper]).await;
    world
        .bind(BindingScope::Connection(world.connection), &[mapper])
        .await;
    let draft = world.draft(
        partneros_domain::PairId(world.uuid()),
        "contacts",
        Direction::Bidirectional,
    );
    store.create_pair(organization, &draft).await.unwrap();

    let doomed = world.dooms(10).await;
    let ids = [HubSpotId(7), HubSpotId(8)];
    store
        .note_missing(organization, world.lease, &ids, at(31))
        .await
        .unwrap();
    let rounds = Rounds {
        archive_read_at: Some(at(5)),
        recheck_at: Some(at(5)),
        recheck_after: Some(HubSpotId(7)),
        is_hinted: false,
    };
    store
        .set_rounds(organization, world.lease, rounds)
        .await
        .unwrap();

    let new = another(&world, 2, OtherPortal::InsteadOf(world.connection));
    let other = store.put_connection(organization, new).await.unwrap();
    assert_ne!(other.id, world.connection);
    // Otherwise the new portal's objects of these ids would be archived, or taken for gone.
    assert_eq!(
        store.doomed_objects(organization, pair, 9).await.unwrap(),
        []
    );
    let former = store.former_links(organization, pair, std::slice::from_ref(&doomed));
    assert_eq!(former.await.unwrap(), []);
    let missing = store.missing_objects(organization, pair, at(99), 9);
    assert_eq!(missing.await.unwrap(), []);
    assert_eq!(
        store.rounds(organization, pair).await.unwrap(),
        Rounds::default()
    );
    assert_eq!(
        store.pairs(organization, world.connection).await.unwrap(),
        []
    );
    let moved = store.pair(organization, pair).await.unwrap();
    assert_eq!(
        (moved.connection_id, moved.state),
        (other.id, PairState::Paused)
    );
    let still = store.pair(organization, draft.id).await.unwrap();
    assert_eq!(still.state, PairState::Draft);
    assert_eq!(store.mappings(organization, pair).await.unwrap(), mappings);
    for scope in [BindingScope::Pair(pair), BindingScope::Connection(other.id)] {
        let kept = store.binding(organization, scope).await.unwrap();
        assert_eq!(kept.unwrap().parts, parts(&[mapper]));
    }

    // A worker that was under way commits nothing any more, and holds nobody up.
    let late = store
        .commit(organization, world.batch(vec![world.creation(9)]))
        .await;
    assert!(matches!(late, Err(Error::LeaseLost(_))), "{late:?}");
    assert_eq!(store.count_links(organization, pair).await.unwrap(), 0);
    assert_eq!(world.cursor().await, None);
    assert_eq!(world.failure_codes().await, Vec::<String>::new());
    assert_eq!(world.waiting(pair, 100).await, []);
    world.set_state(pair, PairState::Active).await;
    assert_eq!(world.waiting(pair, 100).await.len(), 2, "every record");
    let lease = store.acquire_lease(organization, pair, at(40), at(90));
    assert!(lease.await.unwrap().is_some());
}

impl World<'_> {
    /// An object that is to be archived, since its record was deleted.
    async fn dooms(&self, hubspot_id: i64) -> HubSpotId {
        let mirror = PairPatch {
            delete_policy: Some(DeletePolicy::Mirror),
            ..PairPatch::default()
        };
        let mirroring = self
            .store
            .update_pair(self.organization, self.pair, &mirror);
        mirroring.await.unwrap();
        let record = self.pulled(hubspot_id).await;
        self.delete(record).await;
        let doomed = self.store.doomed_objects(self.organization, self.pair, 9);
        assert_eq!(doomed.await.unwrap(), [HubSpotId(hubspot_id)]);
        HubSpotId(hubspot_id)
    }
}

pub(super) async fn pairs_do_not_move_where_they_would_meet(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let beside = another(&world, 2, OtherPortal::Beside);
    let beside = store.put_connection(organization, beside).await.unwrap();
    let mut twin = world.draft(
        partneros_domain::PairId(world.uuid()),
        "companies",
        Direction::Bidirectional,
    );
    twin.connection_id = beside.id;
    store.create_pair(organization, &twin).await.unwrap();
    let record = world.pulled(7).await;
    let instead = another(&world, 2, OtherPortal::InsteadOf(world.connection));
    refused_as_conflict(store.put_connection(organization, instead.clone()).await);
    assert!(
        world.linked(record).await.is_some(),
        "nothing of it was done"
    );
    store.delete_pair(organization, twin.id).await.unwrap();
    let taken = store.put_connection(organization, instead).await.unwrap();
    assert_eq!(taken.id, beside.id);
    assert!(world.linked(record).await.is_none());
}

pub(super) async fn nobody_moves_the_pairs_of_others(store: &dyn Store) {
    let ours = World::numbered(store, 1).await;
    let theirs = World::numbered(store, 2).await;
    let theft = another(&ours, 3, OtherPortal::InsteadOf(theirs.connection));
    refused_as_not_found(store.put_connection(ours.organization, theft).await);
    let kept = store.pair(theirs.organization, theirs.pair).await.unwrap();
    assert_eq!(kept.connection_id, theirs.connection);
    let flow = OAuthState {
        hash: [7; 32],
        organization_id: ours.organization,
        begun_with: Credential::Token([8; 32]),
        other_portal: OtherPortal::InsteadOf(theirs.connection),
        expires_at: at(10),
    };
    refused_as_not_found(store.put_oauth_state(&flow, at(0)).await);
}
