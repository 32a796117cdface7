//! Links and records without one.

use partneros_domain::{Fields, HubSpotId, Value};

use super::world::{OBJECT, World, agreed, at, keep, link};
use crate::{NewRecord, Store, Unlinked};

pub(super) async fn links_are_found_from_both_sides(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    let pulled = world.pulled(7).await;
    let made = world.record("made", 1).await;
    let unlinked = world.record("unlinked", 1).await;
    world.commit(vec![keep(&made, 8)]).await;
    assert_eq!(world.linked(pulled).await, Some(link(7)));
    assert_eq!(world.linked(made.id).await, Some(link(8)));
    assert_eq!(world.linked(unlinked.id).await, None);
    let mut found = store
        .links_by_hubspot_id(organization, pair, &[8, 7, 6].map(HubSpotId))
        .await
        .unwrap();
    found.sort_by_key(|entry| entry.link.hubspot_id);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].record_id, &found[0].link), (pulled, &link(7)));
    assert_eq!(found[0].record, Some(world.read(pulled).await.unwrap()));
    assert_eq!(found[1].record, Some(made.clone()));
    assert_eq!(store.count_links(organization, pair).await.unwrap(), 2);
    let ids = [pulled, unlinked.id, made.id, world.record_id()];
    let records = store
        .unlinked_records(organization, pair, &ids)
        .await
        .unwrap();
    assert_eq!(records, [unlinked]);
    // A later agreement takes the base's place.
    let mut later = keep(&made, 8);
    if let Some(link) = &mut later.link {
        link.base.set("name".into(), agreed(Some("Basel")));
        link.hubspot_updated_at = at(99);
    }
    let expected = later.link.clone();
    world.commit(vec![later]).await;
    assert_eq!(world.linked(made.id).await, expected);
    assert_eq!(store.count_links(organization, pair).await.unwrap(), 2);
}

pub(super) async fn records_without_a_link_are_listed_with_their_key(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    world.pulled(7).await;
    let deleted = world.record("deleted", 1).await;
    world.delete(deleted.id).await;
    let values = [
        (Some(Value::Text("a \"b\"".to_owned())), Some("a \"b\"")),
        (Some(Value::Text("12".to_owned())), Some("12")),
        (Some(Value::Integer(12)), Some("12")),
        (Some(Value::Boolean(true)), Some("true")),
        (None, None),
    ];
    let mut expected = Vec::new();
    for (value, key) in values {
        let record = NewRecord {
            id: world.record_id(),
            fields: Fields::from_iter(value.map(|value| ("key".into(), value))),
        };
        expected.push(Unlinked {
            record_id: record.id,
            key: key.map(ToOwned::to_owned),
        });
        store
            .create_record(organization, OBJECT, record, at(1))
            .await
            .unwrap();
    }
    let mut listed = store
        .unlinked_keys(organization, pair, &"key".into())
        .await
        .unwrap();
    listed.sort_by_key(|entry| entry.record_id);
    assert_eq!(listed, expected);
}

pub(super) async fn a_deleted_record_leaves_a_tombstone(store: &dyn Store) {
    let world = World::new(store).await;
    let id = world.pulled(7).await;
    world.edit(id, "edited", 30).await;
    world.delete(id).await;
    let found = store
        .links_by_hubspot_id(world.organization, world.pair, &[HubSpotId(7)])
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].record_id, &found[0].record), (id, &None));
    assert_eq!(found[0].link, link(7));
    assert_eq!(world.waiting(world.pair, 100).await, []);
    let waiting = store
        .count_outbox(world.organization, world.pair)
        .await
        .unwrap();
    assert_eq!(waiting, 0);
    // The HubSpot object is not pulled again.
    let effect = world.creation(7);
    let record_id = effect.record_id;
    assert_eq!(world.commit(vec![effect]).await.raced, [record_id]);
}
