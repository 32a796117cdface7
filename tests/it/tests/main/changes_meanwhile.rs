//! An admin saves settings while a pass is under way: the pass in flight may know the old ones, but nothing of what the
//! new ones ask for may be lost to it.

use hubspot_sim::Config;
use partneros_domain::{Direction, MappingState};
use partneros_it::{TestHost, TestPair};
use partneros_store::{PairPatch, Pairs as _, RunOutcome};
use serde_json::json;

use crate::faults;

/// Longer than the cursor stays behind the present, so that what was met before is not met again by itself.
const SETTLED_MS: i64 = 1_000_000;

async fn map_same_named(pair: &TestPair<'_>, field: &str) {
    pair.map(field, |mapping| {
        mapping.property = Some(field.into());
        mapping.state = MappingState::Confirmed;
    })
    .await;
}

#[tokio::test]
async fn a_field_that_is_mapped_during_a_pass_is_filled_for_every_record() {
    let host = TestHost::start(Config::default());
    let id = host.person_creates("companies", &[("name", "Globex"), ("city", "Bern")]);
    let acme = host.organization("acme").await;
    let fields = [("name", "name"), ("phone", "phone")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    let record = pair.record_of(id).await;
    host.person_sets("companies", id, &[("name", "Globex 2")]);
    host.wait_ms(SETTLED_MS);
    faults::during_search(&host, &acme, &pair, 0, map_same_named(&pair, "city")).await;
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    assert_eq!(acme.value("partners", record, "city").await, json!("Bern"));
}

#[tokio::test]
async fn a_field_that_is_mapped_during_a_pass_is_filled_though_the_push_failed() {
    let host = TestHost::start(Config::default());
    let id = host.person_creates("companies", &[("name", "Globex"), ("city", "Bern")]);
    let acme = host.organization("acme").await;
    let fields = [("name", "name"), ("phone", "phone")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    let record = pair.record_of(id).await;
    host.wait_ms(SETTLED_MS);
    host.person_creates("companies", &[("name", "Other")]);
    acme.creates("partners", json!({ "name": "Ours" })).await;
    host.wait_ms(SETTLED_MS);
    faults::refuse(&host, "batch/upsert");
    let run = faults::during_search(&host, &acme, &pair, 0, map_same_named(&pair, "city")).await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    faults::end(&host);
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    assert_eq!(acme.value("partners", record, "city").await, json!("Bern"));
}

#[tokio::test]
async fn a_field_that_is_mapped_during_a_pass_is_filled_though_the_pull_failed() {
    let host = TestHost::start(Config::default());
    let first = host.person_creates("companies", &[("name", "C0"), ("city", "Bern")]);
    for number in 1..300 {
        let name = format!("C{number}");
        host.person_creates("companies", &[("name", &name), ("city", "Bern")]);
    }
    let acme = host.organization("acme").await;
    let pair = acme
        .draft("partners", "companies", Direction::HubSpotToPartnerOs)
        .await;
    map_same_named(&pair, "name").await;
    pair.activate().await;
    host.wait_ms(SETTLED_MS);
    // The first page comes late, the second never.
    let run = faults::during_search(&host, &acme, &pair, 0, async {
        faults::refuse(&host, "search");
        map_same_named(&pair, "city").await;
    })
    .await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    faults::end(&host);
    host.wait_ms(SETTLED_MS);
    for _ in 0..2 {
        pair.sync().await;
    }
    let record = pair.record_of(first).await;
    assert_eq!(acme.value("partners", record, "city").await, json!("Bern"));
    pair.assert_agreement().await;
}

#[tokio::test]
async fn a_direction_that_is_widened_during_a_pass_brings_everything_in() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = acme
        .draft("partners", "companies", Direction::PartnerOsToHubSpot)
        .await;
    for field in ["name", "city"] {
        map_same_named(&pair, field).await;
    }
    pair.activate().await;
    let record = acme.creates("partners", json!({ "name": "Globex" })).await;
    pair.sync().await;
    let id = pair.object_of(record.id).await;
    host.person_sets("companies", id, &[("city", "Bern")]);
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    host.person_creates("companies", &[("name", "Other")]);
    host.wait_ms(SETTLED_MS);
    let mappings = host.store.mappings(acme.id, pair.id).await.unwrap();
    faults::during_search(&host, &acme, &pair, 0, async {
        let patch = PairPatch {
            direction: Some(Direction::Bidirectional),
            ..PairPatch::default()
        };
        host.store
            .update_pair(acme.id, pair.id, &patch)
            .await
            .unwrap();
        host.engine
            .save_mappings(acme.id, pair.id, mappings.version, &mappings.mappings)
            .await
            .unwrap();
    })
    .await;
    host.wait_ms(SETTLED_MS);
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_eq!(
        acme.value("partners", record.id, "city").await,
        json!("Bern")
    );
    let objects = host.sim.sim().live_ids("companies").unwrap().len();
    assert_eq!(
        pair.versions().await.len(),
        objects,
        "each object has a record"
    );
    pair.assert_agreement().await;
}
