//! The change feed.

use partneros_domain::RecordId;

use super::world::{World, keep, refused_as_not_found};
use crate::{Change, Effect, RecordEffect, Store};

async fn all(world: &World<'_>, after: Option<&str>) -> Vec<Change> {
    let (store, organization) = (world.store, world.organization);
    let mut changes: Vec<Change> = Vec::new();
    loop {
        let position = changes.last().map(|last| last.position.clone());
        let from = position.as_deref().or(after);
        let page = store.changes(organization, from, 2).await.unwrap();
        if page.is_empty() {
            return changes;
        }
        changes.extend(page);
    }
}

fn ids(changes: &[Change]) -> Vec<RecordId> {
    changes.iter().map(|change| change.record.id).collect()
}

pub(super) async fn changes_come_in_the_order_they_were_made(store: &dyn Store) {
    let world = World::new(store).await;
    let edited = world.record("edited", 1).await;
    let pulled = world.pulled(7).await;
    let deleted = world.record("deleted", 2).await;
    let all_three = all(&world, None).await;
    assert_eq!(ids(&all_three), [edited.id, pulled, deleted.id]);
    assert_eq!(all_three[0].record, edited);
    let end = all_three[2].position.clone();
    assert_eq!(all(&world, Some(&end)).await, []);
    // A record stands where it changed last, once.
    let edited = world.edit(edited.id, "edited again", 3).await;
    let edited = world.edit(edited.id, "and again", 4).await;
    let read = world.read(pulled).await.unwrap();
    let fields = edited.fields.clone();
    let version = read.version;
    let update = Effect {
        record: RecordEffect::Update { version, fields },
        ..keep(&read, 7)
    };
    world.commit(vec![update]).await;
    world.delete(deleted.id).await;
    let since = all(&world, Some(&end)).await;
    assert_eq!(ids(&since), [edited.id, pulled, deleted.id]);
    assert_eq!(since[0].record, edited);
    assert_eq!(since[1].record.version, version + 1);
    assert!(since[2].deleted_at.is_some());
    assert!(since[2].record.fields.is_empty());
    assert_eq!(all(&world, None).await, since);
    // What changes nothing is no change.
    let read = world.read(pulled).await.unwrap();
    world.commit(vec![keep(&read, 7)]).await;
    world.edit(edited.id, "and again", 9).await;
    let end = since[2].position.clone();
    assert_eq!(all(&world, Some(&end)).await, []);
    let strange = store.changes(world.organization, Some("r1"), 2).await;
    assert_eq!(refused_as_not_found(strange), "cursor");
}

pub(super) async fn nobody_sees_the_changes_of_others(store: &dyn Store) {
    let (ours, theirs) = (
        World::numbered(store, 1).await,
        World::numbered(store, 2).await,
    );
    let record = ours.record("ours", 1).await;
    theirs.record("theirs", 1).await;
    assert_eq!(ids(&all(&ours, None).await), [record.id]);
}
