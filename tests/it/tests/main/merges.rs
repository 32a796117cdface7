//! Objects that are merged in HubSpot: the record goes on with what is left, nothing exists twice, nothing is lost.

use hubspot_sim::{Config, MergeMode};
use partneros_domain::{AlertKind, DeletePolicy, RecordId};
use partneros_it::{TestHost, TestOrganization, TestPair};
use partneros_store::Parting;
use serde_json::json;

async fn two_companies<'a>(
    host: &TestHost,
    acme: &TestOrganization<'a>,
) -> (TestPair<'a>, [u64; 2], [RecordId; 2]) {
    let first = host.person_creates("companies", &[("name", "Globex"), ("city", "Bern")]);
    let second = host.person_creates("companies", &[("name", "Globex AG"), ("phone", "031 000")]);
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let records = [pair.record_of(first).await, pair.record_of(second).await];
    (pair, [first, second], records)
}

async fn assert_one_goes_on(
    acme: &TestOrganization<'_>,
    pair: &TestPair<'_>,
    left: u64,
    [goes_on, stays]: [RecordId; 2],
) {
    assert_eq!(pair.record_of(left).await, goes_on);
    let detached = pair.detached().await;
    assert_eq!(detached.len(), 1, "{detached:?}");
    assert_eq!(
        (detached[0].record_id, detached[0].parting),
        (stays, Parting::Merged)
    );
    assert!(acme.find_record("partners", stays).await.is_some());
    assert_eq!(pair.versions().await.len(), 2, "nothing was made");
    pair.assert_agreement().await;
}

#[tokio::test]
async fn one_record_goes_on_and_the_other_is_kept_and_reported() {
    for mode in [MergeMode::NewId, MergeMode::KeepPrimary] {
        for policy in [DeletePolicy::Unlink, DeletePolicy::Mirror] {
            let host = TestHost::start(Config {
                merge: mode,
                ..Config::default()
            });
            let acme = host.organization("acme").await;
            let (pair, ids, records) = two_companies(&host, &acme).await;
            pair.deletes_by(policy).await;
            let left = host.person_merges("companies", ids[0], ids[1]);
            for _ in 0..3 {
                pair.sync_after_a_while().await;
            }
            assert_eq!(host.live_ids("companies"), [left]);
            assert_one_goes_on(&acme, &pair, left, records).await;
            let phone = acme.value("partners", records[0], "phone").await;
            assert_eq!(phone, json!("031 000"), "values of both are there");
            assert_eq!(acme.events("object.").await, ["object.merged"]);
            let is_alerted = async || {
                let alerts = acme.alerts().await;
                let mut kinds = alerts.iter().map(|alert| alert.kind);
                kinds.any(|kind| kind == AlertKind::MergeLeftRecords)
            };
            assert!(is_alerted().await);
            // An edit of the record that is left makes no object of its own.
            acme.edits("partners", records[1], json!({ "city": "Chur" }))
                .await;
            pair.sync().await;
            assert_eq!(host.live_ids("companies"), [left]);
            acme.deletes("partners", records[1]).await;
            assert!(!is_alerted().await, "nothing is left to look at");
        }
    }
}

#[tokio::test]
async fn the_record_that_what_is_left_was_made_from_goes_on() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let ours = acme.creates("partners", json!({ "name": "Globex" })).await;
    pair.sync().await;
    let made = pair.object_of(ours.id).await;
    let theirs = host.person_creates("companies", &[("name", "Globex AG")]);
    pair.sync().await;
    let other = pair.record_of(theirs).await;
    // Their object is the first; HubSpot fills in our record's id from the other.
    let left = host.person_merges("companies", theirs, made);
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_one_goes_on(&acme, &pair, left, [ours.id, other]).await;
}

#[tokio::test]
async fn an_edit_on_its_way_reaches_what_is_left_before_search_shows_it() {
    let host = TestHost::start(Config {
        create_lag_ms: 100_000_000,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let mut records = Vec::new();
    for name in ["Globex", "Globex AG"] {
        records.push(acme.creates("partners", json!({ "name": name })).await.id);
    }
    pair.sync().await;
    let first = pair.object_of(records[0]).await;
    let second = pair.object_of(records[1]).await;
    let left = host.person_merges("companies", first, second);
    acme.edits("partners", records[0], json!({ "city": "Bern" }))
        .await;
    pair.sync().await;
    let city = host.hubspot_value("companies", left, "city");
    assert_eq!(city.as_deref(), Some("Bern"));
    assert_eq!(pair.failures().await, []);
    assert_one_goes_on(&acme, &pair, left, [records[0], records[1]]).await;
}

#[tokio::test]
async fn merges_of_merges_leave_one_record_linked() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let (pair, ids, records) = two_companies(&host, &acme).await;
    let third = host.person_creates("companies", &[("name", "Globex Inc")]);
    pair.sync().await;
    let inc = pair.record_of(third).await;
    let left = host.person_merges("companies", ids[0], ids[1]);
    let left = host.person_merges("companies", third, left);
    for _ in 0..2 {
        pair.sync_after_a_while().await;
    }
    assert_eq!(host.live_ids("companies"), [left]);
    assert_eq!(
        pair.record_of(left).await,
        inc,
        "the first in HubSpot's list"
    );
    let mut detached: Vec<_> = pair.detached().await.iter().map(|d| d.record_id).collect();
    detached.sort();
    let mut others = records.to_vec();
    others.sort();
    assert_eq!(detached, others);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn what_is_left_of_an_object_whose_record_was_deleted_is_no_new_one() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let (pair, ids, records) = two_companies(&host, &acme).await;
    for record in records {
        acme.deletes("partners", record).await;
    }
    host.person_merges("companies", ids[0], ids[1]);
    for _ in 0..2 {
        pair.sync_after_a_while().await;
    }
    assert_eq!(pair.versions().await.len(), 0, "a deleted record came back");
}

#[tokio::test]
async fn an_object_that_was_to_be_archived_is_spared_once_another_is_merged_into_it() {
    let host = TestHost::start(Config {
        merge: MergeMode::KeepPrimary,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let (pair, ids, records) = two_companies(&host, &acme).await;
    pair.deletes_by(DeletePolicy::Mirror).await;
    acme.deletes("partners", records[0]).await;
    let left = host.person_merges("companies", ids[0], ids[1]);
    assert_eq!(left, ids[0]);
    for _ in 0..3 {
        pair.sync_after_a_while().await;
    }
    assert_eq!(host.live_ids("companies"), [left]);
    assert_eq!(pair.record_of(left).await, records[1]);
    assert!(acme.find_record("partners", records[1]).await.is_some());
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_record_whose_object_became_part_of_anothers_does_not_write_over_it() {
    let host = TestHost::start(Config {
        merge: MergeMode::KeepPrimary,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let (pair, ids, records) = two_companies(&host, &acme).await;
    // As a push whose answer was lost makes it.
    let record = acme
        .creates("partners", json!({"name": "Initech"}))
        .await
        .id;
    let values = [
        ("name", "Initech"),
        ("partneros_record_id", &record.to_string()),
    ];
    let made = host.person_creates("companies", &values);
    host.person_merges("companies", ids[0], made);
    for _ in 0..2 {
        pair.sync_after_a_while().await;
    }
    assert_eq!(pair.record_of(ids[0]).await, records[0]);
    let name = host.hubspot_value("companies", ids[0], "name");
    assert_eq!(name.as_deref(), Some("Globex"), "the other's values stay");
    let failures = pair.failures().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].record_id, Some(record));
    assert_eq!(failures[0].failure.code, "hubspot_object_of_another");
    host.writes();
    pair.sync_after_a_while().await;
    assert_eq!(host.writes(), 0);
}
