//! Links and records without one.

use partneros_domain::{Agreed, Fields, HubSpotId, RecordId, Value};

use super::world::{
    OBJECT, World, agreed, at, effect, failure, keep, link, named, refused_as_not_found,
};
use crate::{
    DeletedRecord, Effect, FailureStage, HeldQuery, HeldValue, NewFailure, NewRecord,
    OBJECT_MISSING, RecordChange, RecordEffect, RecordPatch, SoughtValues, Store, Unlinked,
};

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

pub(super) async fn a_link_says_what_is_listed_for_its_record(store: &dyn Store) {
    let world = World::new(store).await;
    let id = world.pulled(7).await;
    world.pulled(8).await;
    let list = async |stage, failures: Vec<NewFailure>| {
        let record = RecordEffect::Keep { version: 1 };
        let effect = Effect {
            failures,
            stage,
            ..effect(id, record)
        };
        world.commit(vec![effect]).await;
        let mut found = store
            .links_by_hubspot_id(world.organization, world.pair, &[7, 8].map(HubSpotId))
            .await
            .unwrap();
        found.sort_by_key(|entry| entry.link.hubspot_id);
        let standing = |at: usize| (found[at].pull_failed, found[at].object_was_missing);
        assert_eq!(standing(1), (false, false), "nothing is listed for it");
        standing(0)
    };
    let (pull, push) = (FailureStage::Pull, FailureStage::Push);
    assert_eq!(list(pull, vec![]).await, (false, false));
    assert_eq!(list(push, vec![failure("refused")]).await, (false, false));
    assert_eq!(list(pull, vec![failure("bad")]).await, (true, false));
    let missing = vec![failure("refused"), failure(OBJECT_MISSING)];
    assert_eq!(list(push, missing).await, (true, true));
    assert_eq!(list(pull, vec![]).await, (false, true));
    assert_eq!(list(push, vec![]).await, (false, false));
}

pub(super) async fn deleted_records_are_told_from_unknown_ones(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let linked = world.pulled(7).await;
    let [alive, gone] = [
        world.record("alive", 1).await,
        world.record("gone", 1).await,
    ];
    world.delete(linked).await;
    world.delete(gone.id).await;
    let deal = NewRecord {
        id: world.record_id(),
        fields: named("deal"),
    };
    let deal_id = deal.id;
    store
        .create_record(organization, "deals", deal, at(1))
        .await
        .unwrap();
    store
        .delete_record(organization, "deals", deal_id, at(2))
        .await
        .unwrap();
    let ids = [alive.id, gone.id, world.record_id(), deal_id, linked];
    let mut found = store
        .deleted_records(organization, world.pair, &ids)
        .await
        .unwrap();
    found.sort_unstable_by_key(|record| record.id);
    let mut expected = [linked, gone.id].map(|id| DeletedRecord { id, unheard: false });
    expected.sort_unstable_by_key(|record| record.id);
    assert_eq!(found, expected);
}

pub(super) async fn edits_are_counted_and_what_the_sync_writes_is_not(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let count = async || store.count_edits(organization, world.pair).await.unwrap();
    let mut before = count().await;
    let mut counted = async |what: &str, expected: bool| {
        let now = count().await;
        assert_eq!(now > before, expected, "{what}: {before} to {now}");
        before = now;
    };
    let record = world.record("made", 1).await;
    counted("a record that is made", true).await;
    world.edit(record.id, "edited", 2).await;
    counted("an edit", true).await;
    let patch = RecordPatch::default();
    store
        .update_record(organization, OBJECT, record.id, patch, at(3))
        .await
        .unwrap();
    counted("a patch that changes nothing", false).await;
    let change = RecordChange {
        id: world.record_id(),
        fields: named("b")
            .into_iter()
            .map(|(name, value)| (name, Some(value)))
            .collect(),
    };
    store
        .upsert_records(organization, OBJECT, vec![change], at(4))
        .await
        .unwrap();
    counted("an upsert", true).await;
    let pulled = world.pulled(7).await;
    let fields = named("pulled again");
    let update = RecordEffect::Update { version: 1, fields };
    world.commit(vec![effect(pulled, update)]).await;
    counted("what the sync makes and changes", false).await;
    world.delete(pulled).await;
    counted("a record that is deleted", true).await;
    let deal = NewRecord {
        id: world.record_id(),
        fields: named("deal"),
    };
    store
        .create_record(organization, "deals", deal, at(5))
        .await
        .unwrap();
    counted("a record of another object", false).await;
}

pub(super) async fn values_of_linked_records_are_found(store: &dyn Store) {
    let world = World::new(store).await;
    let mut ids = Vec::new();
    let held = [
        (7, "a;b"),
        (7, "b"),
        (7, "c;;a"),
        (7, "a"),
        // Agreed on under a rule that the mapping had before.
        (6, "a"),
    ];
    for (number, (rule, value)) in (1..).zip(held) {
        let mut effect = world.creation(number);
        let agreed = Agreed {
            rule,
            partneros: vec![None],
            hubspot: vec![Some("other".to_owned()), Some(value.to_owned())],
            owed: false,
            sent: None,
            tug: partneros_domain::Tug::default(),
        };
        let link = effect.link.as_mut().unwrap();
        link.base.set("tier".into(), agreed);
        ids.push(effect.record_id);
        world.commit(vec![effect]).await;
    }
    world.delete(ids[3]).await;
    let query = |several, sought, records_max| HeldQuery {
        field: "tier".into(),
        rule: 7,
        place: 1,
        several,
        sought,
        values_max: 2,
        records_max,
    };
    let found = async |query| {
        let found = store.held_values(world.organization, world.pair, query);
        found.await.unwrap()
    };
    let value = |value: &str, count, records: &[RecordId]| HeldValue {
        value: value.to_owned(),
        count,
        records: records.to_vec(),
    };
    let these = |values: &[&str]| {
        SoughtValues::These(values.iter().map(|value| (*value).to_owned()).collect())
    };
    let others = |values: &[&str]| match these(values) {
        SoughtValues::These(values) => SoughtValues::OthersThan(values),
        others @ SoughtValues::OthersThan(_) => others,
    };
    assert_eq!(
        found(query(true, these(&["a", "z"]), 9)).await,
        [value("a", 2, &[ids[0], ids[2]])]
    );
    assert_eq!(
        found(query(true, others(&["a"]), 1)).await,
        [value("b", 2, &[ids[0]]), value("c", 1, &[ids[2]])]
    );
    assert_eq!(
        found(query(false, others(&[]), 9)).await,
        [value("a;b", 1, &[ids[0]]), value("b", 1, &[ids[1]])],
        "no more than two values"
    );
    let stranger = World::numbered(store, 2).await;
    let theirs = store.held_values(
        stranger.organization,
        world.pair,
        query(true, these(&[]), 9),
    );
    refused_as_not_found(theirs.await);
}
