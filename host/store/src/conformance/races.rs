//! Effects that were decided on something that changed meanwhile.

use partneros_domain::{ConflictRule, Side};

use super::world::{World, at, effect, failure, keep, link, named};
use crate::{
    Commit, Cursor, Effect, FailureStage, NewConflict, OutboxEffect, Record, RecordEffect, Store,
};

/// An effect that writes everything it can.
fn update(record: &Record, hubspot_id: i64) -> Effect {
    let change = RecordEffect::Update {
        version: record.version,
        fields: named("theirs"),
    };
    Effect {
        link: Some(link(hubspot_id)),
        outbox: OutboxEffect::Settle,
        failures: vec![failure("late")],
        stage: FailureStage::Pull,
        conflicts: vec![NewConflict {
            field: "name".into(),
            property: "name".into(),
            partneros_value: serde_json::json!("mine"),
            hubspot_value: Some("theirs".to_owned()),
            winner: Side::HubSpot,
            rule: ConflictRule::Policy,
        }],
        ..effect(record.id, change)
    }
}

async fn conflicts(world: &World<'_>) -> usize {
    let page = world
        .store
        .conflicts(world.organization, world.pair, None, 9)
        .await;
    page.unwrap().items.len()
}

pub(super) async fn an_edited_record_races_wholly(store: &dyn Store) {
    let world = World::new(store).await;
    let record = world.record("mine", 1).await;
    let edited = world.edit(record.id, "mine, edited", 2).await;
    let cursor = Cursor {
        modified_at: at(7),
        drained_to: None,
        mapping_version: 0,
    };
    let neighbour = world.creation(8);
    let neighbour_id = neighbour.record_id;
    let commit = Commit {
        cursor: Some(cursor),
        ..world.batch(vec![update(&record, 7), neighbour])
    };
    let committed = store.commit(world.organization, commit).await.unwrap();
    assert_eq!(committed.raced, [record.id]);
    assert_eq!(world.read(record.id).await.unwrap(), edited);
    assert_eq!(world.linked(record.id).await, None);
    assert_eq!(world.waiting(world.pair, 100).await, [(record.id, 0)]);
    assert_eq!(world.failure_codes().await, [""; 0]);
    assert_eq!(conflicts(&world).await, 0);
    assert_eq!(world.linked(neighbour_id).await, Some(link(8)));
    assert_eq!(
        world.cursor().await,
        None,
        "the raced row is still to be done"
    );
    // Decided again, all of it is written.
    let commit = Commit {
        cursor: Some(cursor),
        ..world.batch(vec![update(&edited, 7)])
    };
    let committed = store.commit(world.organization, commit).await.unwrap();
    assert_eq!(committed.raced, []);
    assert_eq!(world.read(record.id).await.unwrap().version, 3);
    assert_eq!(world.linked(record.id).await, Some(link(7)));
    assert_eq!(world.waiting(world.pair, 100).await, []);
    assert_eq!(world.failure_codes().await, ["late"]);
    assert_eq!(conflicts(&world).await, 1);
    assert_eq!(world.cursor().await, Some(cursor));
}

pub(super) async fn a_deleted_record_races(store: &dyn Store) {
    let world = World::new(store).await;
    let record = world.record("mine", 1).await;
    world.delete(record.id).await;
    let stranger = Record {
        id: world.record_id(),
        ..record.clone()
    };
    for version in [record.version, record.version + 1] {
        let record = Record {
            version,
            ..record.clone()
        };
        let raced = world
            .commit(vec![update(&record, 7), keep(&stranger, 8)])
            .await
            .raced;
        assert_eq!(raced, [record.id, stranger.id]);
    }
    assert_eq!(world.linked(record.id).await, None);
    assert_eq!(world.failure_codes().await, [""; 0]);
}

pub(super) async fn a_link_is_one_to_one(store: &dyn Store) {
    let world = World::new(store).await;
    let one = world.record("one", 1).await;
    let other = world.record("other", 1).await;
    world.commit(vec![keep(&one, 7)]).await;
    // The HubSpot object is taken, the record is taken, and twice within one commit.
    let raced = world
        .commit(vec![
            update(&other, 7),
            update(&one, 8),
            keep(&other, 9),
            world.creation(9),
        ])
        .await
        .raced;
    assert_eq!(raced.len(), 3);
    assert_eq!(raced[..2], [other.id, one.id]);
    assert_eq!(world.read(other.id).await.unwrap(), other);
    assert_eq!(world.linked(one.id).await, Some(link(7)));
    assert_eq!(world.linked(other.id).await, Some(link(9)));
    let records = store
        .count_records(world.organization, super::world::OBJECT)
        .await;
    assert_eq!(records.unwrap(), 2);
}
