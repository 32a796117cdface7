//! A tug of war: something in HubSpot rewrites a property after each of our writes.

use hubspot_sim::Config;
use partneros_domain::{AlertKind, Direction, RecordId};
use partneros_it::{TestHost, TestOrganization, TestPair};
use partneros_store::{RunOutcome, SyncState as _};
use serde_json::json;

use crate::faults;

/// As many rewrites in a row as the settings take for a tug of war.
const TURNS: usize = 3;

fn one_company() -> Config {
    Config {
        companies: 1,
        ..Config::default()
    }
}

/// An object of the portal and its record, after a first sync.
async fn synced(host: &TestHost, pair: &TestPair<'_>) -> (u64, RecordId) {
    pair.sync().await;
    let id = host.live_ids("companies")[0];
    (id, pair.record_of(id).await)
}

/// We write the city, and `rewrites` answers.
async fn take_turns(
    acme: &TestOrganization<'_>,
    pair: &TestPair<'_>,
    record: RecordId,
    turns: usize,
    rewrites: impl Fn(&str),
) {
    for turn in 0..turns {
        let ours = json!({"city": format!("Bern {turn}")});
        acme.edits("partners", record, ours).await;
        pair.sync().await;
        rewrites(&format!("BERN, {turn}"));
        pair.sync().await;
    }
}

async fn tugs(host: &TestHost, acme: &TestOrganization<'_>) -> Vec<String> {
    host.engine.keep_watch().await.unwrap();
    let alerts = acme.alerts().await.into_iter();
    let tugs = alerts.filter(|alert| alert.kind == AlertKind::TugOfWar);
    let going_on = tugs.filter(|alert| alert.resolved.is_none());
    going_on.map(|alert| alert.message).collect()
}

#[tokio::test]
async fn a_field_that_a_workflow_rewrites_is_paused_and_the_rest_goes_on() {
    let host = TestHost::start(one_company());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    take_turns(&acme, &pair, record, TURNS, |city| {
        host.workflow_sets("companies", id, &[("city", city)]);
    })
    .await;
    assert_eq!(pair.failures().await, []);
    assert_eq!(tugs(&host, &acme).await, [""; 0]);

    let ours = json!({"city": "Bern", "phone": "031 1"});
    acme.edits("partners", record, ours).await;
    pair.sync().await;
    let shown = |property| host.hubspot_value("companies", id, property);
    assert_eq!(shown("city").as_deref(), Some("BERN, 2"), "not written");
    assert_eq!(shown("phone").as_deref(), Some("031 1"));
    let failures = pair.failures().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].failure.code, "tug_of_war");
    let alerts = tugs(&host, &acme).await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    for named in ["`city`", "`AUTOMATION_PLATFORM`"] {
        assert!(alerts[0].contains(named), "{}", alerts[0]);
    }

    // Nothing of the field moves, and what else changes does; the reason stays listed with its source.
    host.writes();
    host.workflow_sets("companies", id, &[("city", "BERN!")]);
    host.person_sets("companies", id, &[("phone", "031 2")]);
    pair.sync().await;
    assert_eq!(host.writes(), 0);
    assert_eq!(acme.value("partners", record, "city").await, "Bern");
    assert_eq!(acme.value("partners", record, "phone").await, "031 2");
    acme.edits("partners", record, json!({"phone": "031 3"}))
        .await;
    pair.sync().await;
    assert_eq!(shown("phone").as_deref(), Some("031 3"));
    let still = pair.failures().await;
    assert_eq!(still.len(), 1, "{still:?}");
    assert_eq!(still[0].failure, failures[0].failure);

    // Somebody has stopped the workflow and says so: both sides have changed, and the newer edit wins.
    host.person_sets("companies", id, &[("city", "Biel")]);
    let retried = host.store.requeue(acme.id, pair.id, true, host.now()).await;
    assert_eq!(retried.unwrap(), 1);
    pair.sync().await;
    assert_eq!(acme.value("partners", record, "city").await, "Biel");
    let conflicts = pair.conflicts().await;
    assert_eq!(conflicts[0].conflict.partneros_value, json!("Bern"));
    assert_eq!(pair.failures().await, []);
    assert_eq!(tugs(&host, &acme).await, [""; 0]);
    take_turns(&acme, &pair, record, 1, |_| {}).await;
    assert_eq!(shown("city").as_deref(), Some("Bern 0"));
    pair.assert_agreement().await;
}

#[tokio::test]
async fn people_may_take_turns_for_as_long_as_they_like() {
    let host = TestHost::start(one_company());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    take_turns(&acme, &pair, record, 3 * TURNS, |city| {
        host.person_sets("companies", id, &[("city", city)]);
    })
    .await;
    let edit = json!({"city": "Bern"});
    acme.edits("partners", record, edit).await;
    pair.sync().await;
    assert_eq!(pair.failures().await, []);
    assert_eq!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("Bern")
    );
}

#[tokio::test]
async fn a_workflow_that_changes_something_else_much_later_is_no_tug() {
    let host = TestHost::start(one_company());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    take_turns(&acme, &pair, record, 2 * TURNS, |city| {
        host.wait_ms(11 * 60_000);
        host.workflow_sets("companies", id, &[("city", &format!("near {city}"))]);
    })
    .await;
    assert_eq!(pair.failures().await, []);
    // The same value in another form says enough, however late it comes.
    take_turns(&acme, &pair, record, TURNS + 1, |city| {
        host.wait_ms(11 * 60_000);
        host.workflow_sets("companies", id, &[("city", city)]);
    })
    .await;
    assert_eq!(pair.failures().await[0].failure.code, "tug_of_war");
}

/// Where values flow one way only, what HubSpot's side writes is overruled by each edit of ours.
#[tokio::test]
async fn a_direction_does_not_hide_a_tug() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = acme
        .draft("partners", "companies", Direction::PartnerOsToHubSpot)
        .await;
    pair.confirm_all().await;
    pair.activate().await;
    let record = acme.creates("partners", json!({"name": "Acme"})).await.id;
    pair.sync().await;
    let id = pair.object_of(record).await;
    take_turns(&acme, &pair, record, TURNS + 2, |city| {
        host.workflow_sets("companies", id, &[("city", city)]);
    })
    .await;
    let failures = pair.failures().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].failure.code, "tug_of_war");
    assert_eq!(
        acme.value("partners", record, "city").await,
        format!("Bern {}", TURNS + 1)
    );
}

#[tokio::test]
async fn a_history_that_cannot_be_read_stops_the_write_until_it_can() {
    let host = TestHost::start(one_company());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    take_turns(&acme, &pair, record, TURNS, |city| {
        host.workflow_sets("companies", id, &[("city", city)]);
    })
    .await;
    acme.edits("partners", record, json!({"city": "Bern"}))
        .await;
    // The second read of a push is that of the history.
    faults::refuse_after(&host, "batch/read", 1);
    let run = pair.try_sync().await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    assert_eq!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("BERN, 2")
    );
    faults::end(&host);
    pair.sync().await;
    assert_eq!(pair.failures().await[0].failure.code, "tug_of_war");
}
