//! HubSpot obeyed, but the host never heard of it, and the world went on before it could ask again.

use hubspot_sim::Config;
use partneros_domain::{ConflictPolicy, RecordId};
use partneros_it::{TestHost, TestOrganization, TestPair};
use partneros_store::{Records as _, RunOutcome};
use serde_json::json;

use crate::faults;

const KEEPS_FIVE_LETTERS: &str = r#"{"toHubspot":{"truncate":5}}"#;

fn one_company() -> Config {
    Config {
        companies: 1,
        ..Config::default()
    }
}

/// The record of the portal's only company, after a first sync.
async fn synced(host: &TestHost, pair: &TestPair<'_>) -> RecordId {
    pair.sync().await;
    let ids = host.sim.sim().live_ids("companies").unwrap();
    pair.record_of(ids[0]).await
}

/// A run whose writes of this kind are obeyed and never answered.
async fn unanswered(host: &TestHost, pair: &TestPair<'_>, path: &str) {
    faults::lose_answers(host, path);
    let run = pair.try_sync().await;
    assert_eq!(run.outcome, RunOutcome::Failed, "no answer came to {path}");
    faults::end(host);
}

async fn assert_city(
    acme: &TestOrganization<'_>,
    pair: &TestPair<'_>,
    record: RecordId,
    city: &str,
) {
    let held = acme.value("partners", record, "city").await;
    let conflicts = pair.conflicts().await;
    assert_eq!(held, json!(city), "conflicts: {conflicts:?}");
}

#[tokio::test]
async fn an_edit_after_an_unanswered_update_is_no_conflict() {
    let host = TestHost::start(one_company());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.policy("city", ConflictPolicy::CrmWins).await;
    let record = synced(&host, &pair).await;
    acme.edits("partners", record, json!({ "city": "Bern" }))
        .await;
    unanswered(&host, &pair, "batch/update").await;
    // What HubSpot holds now is our own last value, not a change of theirs that could win over this.
    acme.edits("partners", record, json!({ "city": "Chur" }))
        .await;
    pair.sync().await;
    assert_city(&acme, &pair, record, "Chur").await;
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_shortened_value_does_not_come_back_from_an_unanswered_update() {
    let host = TestHost::start(one_company());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.map("city", |m| KEEPS_FIVE_LETTERS.clone_into(&mut m.options))
        .await;
    let record = synced(&host, &pair).await;
    acme.edits("partners", record, json!({ "city": "Winterthur" }))
        .await;
    unanswered(&host, &pair, "batch/update").await;
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_city(&acme, &pair, record, "Winterthur").await;
}

#[tokio::test]
async fn a_create_that_fails_does_not_make_the_host_forget_the_updates_before_it() {
    let host = TestHost::start(one_company());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.map("city", |m| KEEPS_FIVE_LETTERS.clone_into(&mut m.options))
        .await;
    let record = synced(&host, &pair).await;
    acme.edits("partners", record, json!({ "city": "Winterthur" }))
        .await;
    acme.creates("partners", json!({ "name": "New" })).await;
    faults::refuse(&host, "batch/upsert");
    assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
    faults::end(&host);
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_city(&acme, &pair, record, "Winterthur").await;
    assert_eq!(host.sim.sim().live_ids("companies").unwrap().len(), 2);
}

#[tokio::test]
async fn a_value_that_was_cleared_after_an_unanswered_create_is_cleared_there() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let fields = json!({ "name": "Globex", "city": "Bern", "phone": "1" });
    let record = acme.creates("partners", fields).await.id;
    unanswered(&host, &pair, "batch/upsert").await;
    let id = host.sim.sim().live_ids("companies").unwrap()[0];
    let cleared = json!({ "city": null });
    acme.edits("partners", record, cleared).await;
    // What a person fills in there meanwhile is no value of ours.
    host.person_sets("companies", id, &[("state", "BE")]);
    pair.sync().await;
    assert_eq!(acme.value("partners", record, "city").await, json!(null));
    assert_eq!(host.hubspot_value("companies", id, "city"), None);
    assert_eq!(acme.value("partners", record, "state").await, json!("BE"));
    assert_eq!(pair.conflicts().await.len(), 0);
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_record_that_was_deleted_after_an_unanswered_create_stays_deleted() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let record = acme.creates("partners", json!({ "name": "Globex" })).await;
    unanswered(&host, &pair, "batch/upsert").await;
    host.store
        .delete_record(acme.id, "partners", record.id, host.now())
        .await
        .unwrap();
    let run = pair.sync().await;
    assert_eq!(run.counts.records_created, 0, "{:?}", run.counts);
    assert_eq!(pair.versions().await.len(), 0, "the record came back");
}

#[tokio::test]
async fn an_object_edited_before_the_index_shows_its_unanswered_create_keeps_the_edit() {
    let host = TestHost::start(Config {
        create_lag_ms: 90_000,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    acme.creates("partners", json!({ "name": "Globex", "city": "Bern" }))
        .await;
    unanswered(&host, &pair, "batch/upsert").await;
    let ids = host.sim.sim().live_ids("companies").unwrap();
    host.person_sets("companies", ids[0], &[("city", "Graz")]);
    // The retry is due, and search still does not show the object.
    host.wait_ms(59_000);
    pair.sync().await;
    let kept = host.hubspot_value("companies", ids[0], "city").as_deref() == Some("Graz");
    assert!(
        kept || !pair.conflicts().await.is_empty(),
        "the person's edit is gone without a trace"
    );
    assert_eq!(host.sim.sim().live_ids("companies").unwrap(), ids);
}
