//! What was written to HubSpot is remembered, whatever happened to the record meanwhile.

use partneros_domain::HubSpotId;

use super::world::{World, effect, failure, keep, link};
use crate::{Effect, FailureStage, OutboxEffect, Record, RecordEffect, Store};

fn pushed(record: &Record, hubspot_id: i64) -> Effect {
    let version = record.version;
    Effect {
        link: Some(link(hubspot_id)),
        outbox: OutboxEffect::Settle,
        failures: vec![failure("refused")],
        stage: FailureStage::Push,
        ..effect(record.id, RecordEffect::Pushed { version })
    }
}

pub(super) async fn what_was_pushed_is_remembered_whatever_happened_meanwhile(store: &dyn Store) {
    let world = World::new(store).await;
    let same = world.record("same", 1).await;
    let edited = world.record("edited", 2).await;
    let deleted = world.record("deleted", 3).await;
    let now = world.edit(edited.id, "edited meanwhile", 4).await;
    world.delete(deleted.id).await;
    let committed = world
        .commit(vec![
            pushed(&same, 1),
            pushed(&edited, 2),
            pushed(&deleted, 3),
        ])
        .await;
    assert_eq!(committed.raced, []);
    for (record, hubspot_id) in [(&same, 1), (&edited, 2), (&deleted, 3)] {
        assert_eq!(world.linked(record.id).await, Some(link(hubspot_id)));
    }
    assert_eq!(world.read(same.id).await.unwrap(), same);
    assert_eq!(world.read(edited.id).await.unwrap(), now);
    // What was edited meanwhile is still to be pushed.
    assert_eq!(world.waiting(world.pair, 100).await, [(edited.id, 0)]);
    assert_eq!(world.failure_codes().await, ["refused"; 2]);
    let tombstone = store
        .links_by_hubspot_id(world.organization, world.pair, &[HubSpotId(3)])
        .await
        .unwrap();
    assert_eq!(tombstone[0].record_id, deleted.id);
    assert_eq!(tombstone[0].record, None);
}

pub(super) async fn a_push_to_an_object_of_another_record_races(store: &dyn Store) {
    let world = World::new(store).await;
    let owner = world.record("owner", 1).await;
    let record = world.record("record", 2).await;
    world.commit(vec![keep(&owner, 7)]).await;
    let unknown = Record {
        id: world.record_id(),
        ..record.clone()
    };
    let raced = world
        .commit(vec![
            pushed(&record, 7),
            pushed(&owner, 8),
            pushed(&unknown, 9),
        ])
        .await
        .raced;
    assert_eq!(raced, [record.id, owner.id, unknown.id]);
    assert_eq!(world.linked(record.id).await, None);
    assert_eq!(
        world.waiting(world.pair, 100).await,
        [(owner.id, 0), (record.id, 0)]
    );
    assert_eq!(world.failure_codes().await, [""; 0]);
}
