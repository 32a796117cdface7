//! Failures and conflicts.

use partneros_domain::{ConflictRule, HubSpotId, RecordId, Side};
use serde_json::json;

use super::world::{World, at, effect, failure, keep};
use crate::{
    Commit, ConflictEntry, Effect, FailureEntry, FailureStage, NewConflict, NewFailure, Record,
    RecordEffect, Store,
};

fn failing(record: &Record, stage: FailureStage, codes: &[&str]) -> Effect {
    let version = record.version;
    Effect {
        failures: codes.iter().map(|code| failure(code)).collect(),
        stage,
        ..effect(record.id, RecordEffect::Keep { version })
    }
}

fn conflict(value: i64) -> NewConflict {
    NewConflict {
        field: "name".into(),
        property: "title".into(),
        partneros_value: json!(["a", value]),
        hubspot_value: None,
        winner: Side::PartnerOs,
        rule: ConflictRule::Newest,
    }
}

pub(super) async fn failures_are_replaced_by_record_and_stage(store: &dyn Store) {
    let world = World::new(store).await;
    let one = world.record("one", 1).await;
    let other = world.record("other", 1).await;
    world
        .commit(vec![
            failing(&one, FailureStage::Pull, &["a", "b"]),
            failing(&other, FailureStage::Pull, &["c"]),
        ])
        .await;
    world
        .commit(vec![failing(&one, FailureStage::Push, &["d"])])
        .await;
    assert_eq!(world.failure_codes().await, ["d", "c", "b", "a"]);
    world
        .commit(vec![failing(&one, FailureStage::Pull, &["e"])])
        .await;
    assert_eq!(world.failure_codes().await, ["e", "d", "c"]);
    world
        .commit(vec![failing(&one, FailureStage::Pull, &[])])
        .await;
    assert_eq!(world.failure_codes().await, ["d", "c"]);
    world.delete(one.id).await;
    let page = store
        .failures(world.organization, world.pair, None, 9)
        .await;
    let expected = FailureEntry {
        record_id: Some(other.id),
        hubspot_id: None,
        stage: FailureStage::Pull,
        failure: failure("c"),
        at: at(20),
    };
    assert_eq!(page.unwrap().items, [expected]);
}

pub(super) async fn rejections_end_with_the_link(store: &dyn Store) {
    let world = World::new(store).await;
    let reject = async |hubspot_id, failures: Vec<NewFailure>| {
        let commit = Commit {
            rejected: vec![(HubSpotId(hubspot_id), failures)],
            ..world.batch(Vec::new())
        };
        store.commit(world.organization, commit).await.unwrap();
    };
    reject(7, vec![failure("a")]).await;
    reject(8, vec![failure("b")]).await;
    reject(9, vec![failure("c")]).await;
    reject(7, vec![failure("d"), failure("e")]).await;
    assert_eq!(world.failure_codes().await, ["e", "d", "c", "b"]);
    reject(8, Vec::new()).await;
    assert_eq!(world.failure_codes().await, ["e", "d", "c"]);
    world.pulled(7).await;
    let page = store
        .failures(world.organization, world.pair, None, 9)
        .await;
    let items = page.unwrap().items;
    let about: Vec<_> = items
        .iter()
        .map(|entry| (entry.record_id, entry.hubspot_id))
        .collect();
    assert_eq!(about, [(None, Some(HubSpotId(9)))]);
    // A failure of a linked record names the HubSpot object.
    let mut linked = world.creation(10);
    linked.failures = vec![failure("f")];
    let id = linked.record_id;
    world.commit(vec![linked]).await;
    let page = store
        .failures(world.organization, world.pair, None, 1)
        .await;
    let newest = page.unwrap().items.remove(0);
    assert_eq!(newest.record_id, Some(id));
    assert_eq!(newest.hubspot_id, Some(HubSpotId(10)));
}

pub(super) async fn rejected_objects_are_found_by_their_reason(store: &dyn Store) {
    let world = World::new(store).await;
    let record = world.record("one", 1).await;
    let reject = async |rejected: &[(i64, &[&str])]| {
        let rejected = rejected.iter().map(|(id, codes)| {
            let failures = codes.iter().map(|code| failure(code)).collect();
            (HubSpotId(*id), failures)
        });
        let commit = Commit {
            rejected: rejected.collect(),
            ..world.batch(Vec::new())
        };
        store.commit(world.organization, commit).await.unwrap();
    };
    let found = async |code| {
        let mut found = store
            .rejected_objects(world.organization, world.pair, code)
            .await
            .unwrap();
        found.sort_unstable();
        found.into_iter().map(|id| id.0).collect::<Vec<_>>()
    };
    reject(&[(7, &["a", "a"]), (8, &["b"]), (9, &["b", "a"])]).await;
    // Failures of linked records and of the pair as such have no rejected object.
    let mut linked = world.creation(10);
    linked.failures = vec![failure("a")];
    let commit = Commit {
        parked: Some(vec![failure("a")]),
        ..world.batch(vec![linked, failing(&record, FailureStage::Pull, &["a"])])
    };
    store.commit(world.organization, commit).await.unwrap();
    assert_eq!(found("a").await, [7, 9], "each object once");
    assert_eq!(found("b").await, [8, 9]);
    assert_eq!(found("c").await, [0; 0]);
    reject(&[(7, &["b"]), (9, &[])]).await;
    assert_eq!(found("a").await, [0; 0]);
    world.pulled(8).await;
    assert_eq!(found("b").await, [7], "what has a record is not rejected");
    // What is there no more is forgotten; what failed of a record stays.
    let listed = async || {
        let listed = store
            .failures(world.organization, world.pair, None, 9)
            .await;
        let of_records = listed.unwrap().items.into_iter();
        of_records.filter(|entry| entry.record_id.is_some()).count()
    };
    let of_records = listed().await;
    assert!(of_records > 0);
    let gone = [7, 10].map(HubSpotId);
    let (organization, pair) = (world.organization, world.pair);
    let among = async || {
        store
            .rejected_among(organization, pair, &gone)
            .await
            .unwrap()
    };
    assert_eq!(among().await, gone[..1]);
    let forget = store.forget_rejected(world.organization, world.lease, &gone);
    forget.await.unwrap();
    assert_eq!(found("b").await, [0; 0]);
    assert_eq!(among().await, []);
    assert_eq!(listed().await, of_records);
}

pub(super) async fn parked_fields_are_listed_without_a_record(store: &dyn Store) {
    let world = World::new(store).await;
    let record = world.record("one", 1).await;
    let park = async |parked: Option<Vec<NewFailure>>, effects| {
        let commit = Commit {
            parked,
            ..world.batch(effects)
        };
        store.commit(world.organization, commit).await.unwrap();
        world.failure_codes().await
    };
    let parked = async || store.parked(world.organization, world.pair).await.unwrap();
    assert_eq!(parked().await, []);
    let fails = failing(&record, FailureStage::Push, &["r"]);
    let codes = park(Some(vec![failure("a"), failure("b")]), vec![fails]).await;
    assert_eq!(codes.len(), 3);
    assert_eq!(parked().await, [failure("a"), failure("b")]);
    assert_eq!(park(Some(vec![failure("c")]), vec![]).await, ["c", "r"]);
    assert_eq!(park(None, vec![]).await, ["c", "r"]);
    assert_eq!(parked().await, [failure("c")]);
    let page = store
        .failures(world.organization, world.pair, None, 1)
        .await;
    let entry = page.unwrap().items.remove(0);
    assert_eq!((entry.record_id, entry.hubspot_id), (None, None));
    assert_eq!(park(Some(vec![]), vec![]).await, ["r"]);
    assert_eq!(parked().await, []);
}

pub(super) async fn lists_are_newest_first_and_paged(store: &dyn Store) {
    let world = World::new(store).await;
    let mut expected: Vec<(RecordId, NewConflict)> = Vec::new();
    for number in 0..3 {
        let record = world.record("a", 1).await;
        let effect = Effect {
            conflicts: vec![conflict(number)],
            failures: vec![failure(&number.to_string())],
            ..keep(&record, number)
        };
        world.commit(vec![effect]).await;
        expected.insert(0, (record.id, conflict(number)));
    }
    let conflicts = async |after: Option<&str>| {
        store
            .conflicts(world.organization, world.pair, after, 2)
            .await
            .unwrap()
    };
    let first = conflicts(None).await;
    let newest = ConflictEntry {
        record_id: expected[0].0,
        hubspot_id: HubSpotId(2),
        conflict: expected[0].1.clone(),
        at: at(20),
    };
    assert_eq!(first.items[0], newest);
    let second = conflicts(first.next.as_deref()).await;
    assert_eq!(second.next, None);
    let listed: Vec<_> = first
        .items
        .into_iter()
        .chain(second.items)
        .map(|entry| (entry.record_id, entry.conflict))
        .collect();
    assert_eq!(listed, expected);

    let failures = async |after: Option<&str>| {
        store
            .failures(world.organization, world.pair, after, 2)
            .await
            .unwrap()
    };
    let first = failures(None).await;
    let second = failures(first.next.as_deref()).await;
    assert_eq!(second.next, None);
    let codes: Vec<_> = first
        .items
        .into_iter()
        .chain(second.items)
        .map(|entry| entry.failure.code)
        .collect();
    assert_eq!(codes, ["2", "1", "0"]);
}
