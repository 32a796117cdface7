//! A pair that mirrors deletions: what is deleted on one side is deleted on the other, comes back with it, and takes nothing
//! along that exists nowhere else.

use partneros_domain::{DeletePolicy, Direction};
use partneros_it::{TestHost, TestOrganization, TestPair};
use partneros_store::RunOutcome;
use serde_json::json;

use crate::deletes::{companies, synced};
use crate::faults;

async fn mirroring<'a>(acme: &TestOrganization<'a>) -> TestPair<'a> {
    let pair = acme.pair("partners", "companies").await;
    pair.deletes_by(DeletePolicy::Mirror).await;
    pair
}

#[tokio::test]
async fn a_record_goes_and_comes_back_with_its_object() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = mirroring(&acme).await;
    let (id, record) = synced(&host, &pair).await;
    acme.edits("partners", record, json!({ "subtype": "ours alone" }))
        .await;
    pair.sync().await;
    let before = acme.record("partners", record).await;
    host.person_archives("companies", id);
    let run = pair.sync_after_a_while().await;
    assert_eq!(run.counts.records_deleted, 1);
    assert!(acme.find_record("partners", record).await.is_none());
    host.person_restores("companies", id);
    host.person_sets("companies", id, &[("city", "Bern")]);
    pair.sync().await;
    let after = acme.record("partners", record).await;
    assert_eq!(
        after.fields.get("subtype"),
        before.fields.get("subtype"),
        "what is not mapped comes back too"
    );
    assert_eq!(acme.value("partners", record, "city").await, json!("Bern"));
    assert_eq!(pair.record_of(id).await, record);
    host.writes();
    pair.sync().await;
    assert_eq!(host.writes(), 0);
    let told = ["record.deleted", "record.relinked"];
    assert_eq!(acme.events("record.").await, told);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_record_with_edits_that_hubspot_has_not_seen_is_not_deleted() {
    let host = TestHost::start(companies(2));
    let acme = host.organization("acme").await;
    let pair = mirroring(&acme).await;
    let (id, record) = synced(&host, &pair).await;
    host.person_archives("companies", id);
    acme.edits("partners", record, json!({ "city": "Bern" }))
        .await;
    let run = pair.sync_after_a_while().await;
    assert_eq!((run.counts.records_deleted, run.counts.unlinked), (0, 1));
    assert_eq!(acme.value("partners", record, "city").await, json!("Bern"));
    host.person_restores("companies", id);
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_eq!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("Bern")
    );
    pair.assert_agreement().await;
}

#[tokio::test]
async fn an_object_is_archived_with_its_record_and_brings_it_back() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = mirroring(&acme).await;
    let (id, record) = synced(&host, &pair).await;
    let before = acme.record("partners", record).await;
    acme.deletes("partners", record).await;
    // An edit of theirs does not bring it back meanwhile.
    host.person_sets("companies", id, &[("city", "Bern")]);
    let run = pair.sync().await;
    assert_eq!(run.counts.hubspot_archived, 1);
    assert_eq!(run.counts.records_created, 0);
    assert!(!host.live_ids("companies").contains(&id));
    host.writes();
    for _ in 0..2 {
        let run = pair.sync_after_a_while().await;
        assert_eq!(run.counts.records_created, 0);
    }
    assert_eq!(host.writes(), 0, "once");
    assert_eq!(pair.versions().await.len(), 2);
    assert_eq!(acme.events("object.").await, ["object.archived"]);

    host.person_restores("companies", id);
    pair.sync().await;
    assert_eq!(pair.record_of(id).await, record);
    let after = acme.record("partners", record).await;
    assert_eq!(after.fields.get("name"), before.fields.get("name"));
    assert_eq!(acme.value("partners", record, "city").await, json!("Bern"));
    pair.assert_agreement().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_archives_nothing_twice_and_nothing_else() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = mirroring(&acme).await;
    let (id, record) = synced(&host, &pair).await;
    acme.deletes("partners", record).await;
    faults::lose_answers(&host, "batch/archive");
    assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
    faults::end(&host);
    assert!(!host.live_ids("companies").contains(&id), "it was obeyed");
    host.writes();
    pair.sync().await;
    assert_eq!(host.writes(), 0);
    assert_eq!(acme.events("object.").await, ["object.archived"]);
    assert_eq!(host.live_ids("companies").len(), 2);
}

#[tokio::test]
async fn whoever_changes_their_mind_in_time_keeps_the_object() {
    let host = TestHost::start(companies(2));
    let acme = host.organization("acme").await;
    let pair = mirroring(&acme).await;
    let (id, record) = synced(&host, &pair).await;
    acme.deletes("partners", record).await;
    pair.deletes_by(DeletePolicy::Unlink).await;
    host.person_sets("companies", id, &[("city", "Bern")]);
    for _ in 0..2 {
        let run = pair.sync_after_a_while().await;
        assert_eq!(run.counts.records_created, 0);
    }
    assert!(host.live_ids("companies").contains(&id));
    assert_eq!(pair.versions().await.len(), 1);
}

#[tokio::test]
async fn an_object_that_was_merged_before_it_was_archived_is_left_alone() {
    let host = TestHost::start(companies(2));
    let acme = host.organization("acme").await;
    let pair = mirroring(&acme).await;
    pair.sync().await;
    let ids = host.live_ids("companies");
    let (goes, stays) = (pair.record_of(ids[0]).await, pair.record_of(ids[1]).await);
    acme.deletes("partners", goes).await;
    let left = host.person_merges("companies", ids[0], ids[1]);
    for _ in 0..3 {
        pair.sync_after_a_while().await;
    }
    assert_eq!(host.live_ids("companies"), [left]);
    assert_eq!(pair.record_of(left).await, stays);
    assert_eq!(pair.versions().await.len(), 1);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_direction_is_obeyed_by_deletions_too() {
    let host = TestHost::start(companies(2));
    let acme = host.organization("acme").await;
    let pair = acme
        .draft("partners", "companies", Direction::HubSpotToPartnerOs)
        .await;
    pair.confirm_all().await;
    pair.activate().await;
    pair.deletes_by(DeletePolicy::Mirror).await;
    let (id, record) = synced(&host, &pair).await;
    acme.deletes("partners", record).await;
    for _ in 0..2 {
        pair.sync_after_a_while().await;
    }
    assert!(
        host.live_ids("companies").contains(&id),
        "HubSpot is only read"
    );
    assert_eq!(pair.versions().await.len(), 1);
}
