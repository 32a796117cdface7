//! What a commit writes, and that it does so wholly.

use partneros_domain::{Direction, HubSpotId, RunId};

use super::world::{World, at, effect, failure, keep, link, named, refused_as_not_found};
use crate::{Commit, Counts, Cursor, Effect, Error, OutboxEffect, RecordEffect, Store};

const COUNTS: Counts = Counts {
    pulled: 1,
    unchanged: 2,
    records_created: 3,
    records_updated: 4,
    matched: 5,
    pushed: 6,
    hubspot_created: 7,
    hubspot_updated: 8,
    unlinked: 11,
    relinked: 12,
    records_deleted: 13,
    hubspot_archived: 14,
    conflicts: 9,
    failed: 10,
};

fn page(world: &World<'_>) -> Commit {
    let mut failing = world.creation(1);
    failing.failures = vec![failure("bad")];
    failing.outbox = OutboxEffect::Enqueue;
    Commit {
        rejected: vec![(HubSpotId(3), vec![failure("rejected")])],
        parked: Some(vec![failure("parked")]),
        cursor: Some(Cursor {
            modified_at: at(7),
            drained_to: Some(HubSpotId(2)),
            mapping_version: 0,
        }),
        counts: COUNTS,
        ..world.batch(vec![failing, world.creation(2)])
    }
}

/// Asserts that nothing of [`page`] is there.
async fn assert_unwritten(world: &World<'_>) {
    let (store, organization) = (world.store, world.organization);
    let links = store.count_links(organization, world.pair).await;
    assert_eq!(links.unwrap(), 0);
    let records = store
        .count_records(organization, super::world::OBJECT)
        .await;
    assert_eq!(records.unwrap(), 0);
    assert_eq!(world.cursor().await, None);
    assert_eq!(world.failure_codes().await, [""; 0]);
    assert_eq!(world.waiting(world.pair, 9_999).await, []);
    let run = store.run(organization, world.run).await.unwrap();
    assert_eq!(run.counts, Counts::default());
}

pub(super) async fn a_page_is_written_as_a_whole(store: &dyn Store) {
    let world = World::new(store).await;
    let page = page(&world);
    let (first, second) = (page.effects[0].record_id, page.effects[1].record_id);
    let cursor = page.cursor;
    let committed = store.commit(world.organization, page).await.unwrap();
    assert_eq!(committed.raced, []);
    let record = world.read(second).await.unwrap();
    assert_eq!((record.version, &record.fields), (1, &named("pulled 2")));
    assert_eq!([record.created_at, record.updated_at], [at(20); 2]);
    assert_eq!(world.linked(first).await, Some(link(1)));
    assert_eq!(world.cursor().await, cursor);
    assert_eq!(world.waiting(world.pair, 20).await, [(first, 0)]);
    let mut codes = world.failure_codes().await;
    codes.sort();
    assert_eq!(codes, ["bad", "parked", "rejected"]);
    // Counts add up; a commit without a cursor leaves it.
    let more = Commit {
        counts: COUNTS,
        ..world.batch(Vec::new())
    };
    store.commit(world.organization, more).await.unwrap();
    let mut twice = COUNTS;
    twice += COUNTS;
    let run = store.run(world.organization, world.run).await.unwrap();
    assert_eq!(run.counts, twice);
    assert_eq!(world.cursor().await, cursor);
    assert_eq!(world.failure_codes().await.len(), 3);
}

pub(super) async fn an_update_counts_and_is_no_edit(store: &dyn Store) {
    let world = World::new(store).await;
    let record = world.record("mine", 5).await;
    let update = Effect {
        outbox: OutboxEffect::Settle,
        ..effect(
            record.id,
            RecordEffect::Update {
                version: 1,
                fields: named("theirs"),
            },
        )
    };
    world.commit(vec![update]).await;
    let updated = world.read(record.id).await.unwrap();
    assert_eq!((updated.version, &updated.fields), (2, &named("theirs")));
    assert_eq!(
        [updated.created_at, updated.updated_at, updated.edited_at],
        [at(5), at(20), at(5)]
    );
    assert_eq!(world.waiting(world.pair, 100).await, []);
    world.commit(vec![keep(&updated, 7)]).await;
    assert_eq!(world.read(record.id).await.unwrap(), updated);
}

pub(super) async fn a_record_that_the_sync_makes_is_as_old_as_its_object(store: &dyn Store) {
    let world = World::new(store).await;
    let mut creation = world.creation(7);
    let id = creation.record_id;
    if let Some(link) = &mut creation.link {
        link.hubspot_updated_at = at(-500);
    }
    world.commit(vec![creation]).await;
    let made = world.read(id).await.unwrap();
    assert_eq!([made.created_at, made.updated_at], [at(20); 2]);
    assert_eq!(made.edited_at, at(-500), "nobody has edited it here");
    let fields = named("again");
    let update = RecordEffect::Update { version: 1, fields };
    world.commit(vec![effect(id, update)]).await;
    assert_eq!(world.read(id).await.unwrap().edited_at, at(-500));
    assert_eq!(world.edit(id, "mine", 30).await.edited_at, at(30));
}

pub(super) async fn a_lost_lease_writes_nothing(store: &dyn Store) {
    let world = World::new(store).await;
    let lost = page(&world);
    let later = store
        .acquire_lease(world.organization, world.pair, at(1_000), at(2_000))
        .await
        .unwrap()
        .unwrap();
    let result = store.commit(world.organization, lost.clone()).await;
    assert!(matches!(result, Err(Error::LeaseLost(pair)) if pair == world.pair));
    assert_unwritten(&world).await;
    store
        .release_lease(world.organization, later)
        .await
        .unwrap();
    for lease in [world.lease, later] {
        let released = Commit {
            lease,
            ..lost.clone()
        };
        let result = store.commit(world.organization, released).await;
        assert!(matches!(result, Err(Error::LeaseLost(_))), "{result:?}");
    }
    assert_unwritten(&world).await;
}

pub(super) async fn an_unknown_run_writes_nothing(store: &dyn Store) {
    let world = World::new(store).await;
    let stray = Commit {
        run_id: RunId(world.uuid()),
        ..page(&world)
    };
    refused_as_not_found(store.commit(world.organization, stray).await);
    assert_unwritten(&world).await;
}

pub(super) async fn other_pairs_learn_of_what_the_sync_writes(store: &dyn Store) {
    let world = World::new(store).await;
    let pushing = world
        .active_pair("contacts", Direction::Bidirectional)
        .await;
    let pulling = world
        .active_pair("deals", Direction::HubSpotToPartnerOs)
        .await;
    let made = world.pulled(7).await;
    assert_eq!(world.waiting(pushing, 20).await, [(made, 0)]);
    assert_eq!(world.waiting(world.pair, 100).await, []);
    assert_eq!(world.waiting(pulling, 100).await, []);
    let other = world.lease;
    store
        .release_lease(world.organization, other)
        .await
        .unwrap();
    let lease = store
        .acquire_lease(world.organization, pushing, at(0), at(900))
        .await
        .unwrap()
        .unwrap();
    // From the other pair's side, the same record's update is an edit for the first one.
    let run_id = RunId(world.uuid());
    let mut run = world.new_run(run_id, 1);
    run.pair_id = pushing;
    store.start_run(world.organization, &run).await.unwrap();
    let update = RecordEffect::Update {
        version: 1,
        fields: named("changed"),
    };
    let commit = Commit {
        lease,
        run_id,
        ..world.batch(vec![effect(made, update)])
    };
    store.commit(world.organization, commit).await.unwrap();
    assert_eq!(world.waiting(world.pair, 20).await, [(made, 0)]);
}

pub(super) async fn a_replayed_creation_makes_no_second_record(store: &dyn Store) {
    let world = World::new(store).await;
    let effect = world.creation(7);
    let id = effect.record_id;
    world.commit(vec![effect.clone()]).await;
    let before = world.read(id).await.unwrap();
    assert_eq!(world.commit(vec![effect]).await.raced, [id]);
    assert_eq!(world.read(id).await.unwrap(), before);
    // The same HubSpot object under another id is no second record either.
    let twin = world.creation(7);
    let twin_id = twin.record_id;
    assert_eq!(world.commit(vec![twin]).await.raced, [twin_id]);
    refused_as_not_found(world.read(twin_id).await);
}
