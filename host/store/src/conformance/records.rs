//! Records as people and integrators edit them.

use partneros_domain::{Fields, Named, RecordId, Value};

use super::world::{OBJECT, World, at, named, refused_as_conflict, refused_as_not_found};
use crate::{NewRecord, RecordChange, RecordPatch, Store};

fn change(id: RecordId, name: Option<&str>) -> RecordChange {
    let value = name.map(|name| Value::Text(name.to_owned()));
    RecordChange {
        id,
        fields: Named::from_iter([("name".into(), value)]),
    }
}

pub(super) async fn values_of_every_type_come_back(store: &dyn Store) {
    let world = World::new(store).await;
    let fields = Fields::from_iter([
        ("boolean".into(), Value::Boolean(false)),
        ("integer".into(), Value::Integer(i64::MAX)),
        ("number".into(), Value::Number(1500.0)),
        (
            "text".into(),
            Value::Text("„Zürich“ \\ \"x\"\n\u{0}".to_owned()),
        ),
        ("digits".into(), Value::Text("12".to_owned())),
        (
            "texts".into(),
            Value::Texts(vec!["a".to_owned(), "b".to_owned()]),
        ),
    ]);
    let new = NewRecord {
        id: world.record_id(),
        fields: fields.clone(),
    };
    let made = store
        .create_record(world.organization, OBJECT, new, at(5))
        .await
        .unwrap();
    assert_eq!((made.version, made.object.as_str()), (1, OBJECT));
    assert_eq!(
        [made.created_at, made.updated_at, made.edited_at],
        [at(5); 3]
    );
    assert_eq!(made.fields, fields);
    assert_eq!(world.read(made.id).await.unwrap(), made);
    let elsewhere = store.record(world.organization, "deals", made.id).await;
    assert_eq!(refused_as_not_found(elsewhere), "record");
}

pub(super) async fn a_version_counts_changes(store: &dyn Store) {
    let world = World::new(store).await;
    let record = world.record("first", 1).await;
    let update = async |fields: Named<Option<Value>>, expected_version, now| {
        let patch = RecordPatch {
            fields,
            expected_version,
        };
        store
            .update_record(world.organization, OBJECT, record.id, patch, at(now))
            .await
    };
    let second = world.edit(record.id, "second", 2).await;
    assert_eq!(
        (second.version, second.created_at, second.edited_at),
        (2, at(1), at(2))
    );
    assert_eq!(world.edit(record.id, "second", 3).await, second);
    assert_eq!(update(Named::new(), None, 3).await.unwrap(), second);
    refused_as_conflict(update(Named::new(), Some(1), 3).await);
    let cleared = change(record.id, None).fields;
    let third = update(cleared.clone(), Some(2), 4).await.unwrap();
    assert_eq!((third.version, third.updated_at), (3, at(4)));
    assert_eq!(third.fields, Fields::new());
    assert_eq!(update(cleared, None, 5).await.unwrap(), third);
    assert_eq!(world.read(record.id).await.unwrap(), third);
}

pub(super) async fn a_cursor_survives_changes_of_the_list(store: &dyn Store) {
    let world = World::new(store).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(world.record(name, 1).await.id);
    }
    let list = async |after: Option<&str>| {
        let page = store
            .records(world.organization, OBJECT, after, 2)
            .await
            .unwrap();
        let ids: Vec<_> = page.items.iter().map(|record| record.id).collect();
        (ids, page.next)
    };
    let (first, next) = list(None).await;
    assert_eq!(first, ids[..2]);
    let next = next.unwrap();
    assert!(next.is_ascii());
    assert_eq!(list(Some(&next)).await, (ids[2..].to_vec(), None));
    world.delete(ids[1]).await;
    world.edit(ids[2], "edited", 9).await;
    ids.push(world.record("e", 9).await.id);
    let (second, next) = list(Some(&next)).await;
    assert_eq!(second, ids[2..4]);
    assert_eq!(list(next.as_deref()).await, (ids[4..].to_vec(), None));
    assert_eq!(
        store
            .count_records(world.organization, OBJECT)
            .await
            .unwrap(),
        4
    );
    let none = store
        .records(world.organization, "deals", None, 2)
        .await
        .unwrap();
    assert_eq!((none.items, none.next), (vec![], None));
}

pub(super) async fn a_foreign_cursor_is_not_found(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, pair) = (world.organization, world.pair);
    for cursor in ["", "1", "nonsense", "ü", "-1", "r'; --"] {
        let after = Some(cursor);
        let kinds = [
            refused_as_not_found(store.records(organization, OBJECT, after, 1).await),
            refused_as_not_found(store.runs(organization, pair, after, 1).await),
            refused_as_not_found(store.conflicts(organization, pair, after, 1).await),
            refused_as_not_found(store.failures(organization, pair, after, 1).await),
        ];
        assert_eq!(kinds, ["cursor"; 4], "{cursor}");
    }
}

pub(super) async fn a_deleted_record_stays_deleted(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, id) = (world.organization, world.record("a", 1).await.id);
    world.delete(id).await;
    refused_as_not_found(world.read(id).await);
    refused_as_not_found(store.delete_record(organization, OBJECT, id, at(60)).await);
    let patch = RecordPatch::default();
    refused_as_not_found(
        store
            .update_record(organization, OBJECT, id, patch, at(60))
            .await,
    );
    let again = NewRecord {
        id,
        fields: named("again"),
    };
    refused_as_conflict(
        store
            .create_record(organization, OBJECT, again, at(60))
            .await,
    );
    let changes = vec![change(id, Some("again"))];
    refused_as_conflict(
        store
            .upsert_records(organization, OBJECT, changes, at(60))
            .await,
    );
    let page = store.records(organization, OBJECT, None, 9).await.unwrap();
    assert_eq!(page.items, []);
    assert_eq!(store.count_records(organization, OBJECT).await.unwrap(), 0);
    assert_eq!(world.waiting(world.pair, 100).await, []);
}

pub(super) async fn an_upsert_is_all_or_none(store: &dyn Store) {
    let world = World::new(store).await;
    let organization = world.organization;
    let (old, new) = (world.record("old", 1).await, world.record_id());
    let upsert = async |changes: Vec<RecordChange>| {
        store
            .upsert_records(organization, OBJECT, changes, at(9))
            .await
    };
    let results = upsert(vec![
        change(new, Some("new")),
        change(old.id, Some("old")),
        change(new, Some("newer")),
    ])
    .await
    .unwrap();
    let seen: Vec<_> = results
        .iter()
        .map(|(record, made)| (record.id, record.version, *made))
        .collect();
    assert_eq!(seen, [(new, 1, true), (old.id, 1, false), (new, 2, false)]);
    assert_eq!(world.read(new).await.unwrap(), results[2].0);

    let deal = NewRecord {
        id: world.record_id(),
        fields: named("deal"),
    };
    let deal_id = deal.id;
    store
        .create_record(organization, "deals", deal, at(9))
        .await
        .unwrap();
    let third = world.record_id();
    refused_as_conflict(
        upsert(vec![
            change(third, Some("third")),
            change(old.id, Some("changed")),
            change(deal_id, Some("moved")),
        ])
        .await,
    );
    refused_as_not_found(world.read(third).await);
    assert_eq!(world.read(old.id).await.unwrap(), old);
    let duplicate = NewRecord {
        id: old.id,
        fields: named("twin"),
    };
    refused_as_conflict(
        store
            .create_record(organization, OBJECT, duplicate, at(9))
            .await,
    );
}

pub(super) async fn ids_are_the_organizations_own(store: &dyn Store) {
    let ours = World::numbered(store, 1).await;
    let theirs = World::numbered(store, 2).await;
    let record = ours.record("ours", 1).await;
    let same = NewRecord {
        id: record.id,
        fields: named("theirs"),
    };
    store
        .create_record(theirs.organization, OBJECT, same, at(2))
        .await
        .unwrap();
    theirs.delete(record.id).await;
    assert_eq!(ours.read(record.id).await.unwrap(), record);
}
