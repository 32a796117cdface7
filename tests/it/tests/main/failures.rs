//! What could not be synced is listed while it lasts, once, and holds nothing else back.

use std::collections::BTreeSet;

use hubspot_sim::Config;
use partneros_domain::{ConflictPolicy, Direction, MappingState};
use partneros_it::{TestHost, TestOrganization, TestPair};
use partneros_store::Pairs as _;
use serde_json::json;

const UNREADABLE: &str = "long ago";

/// The year, a number here and any text there.
async fn founded_year<'a>(acme: &TestOrganization<'a>) -> TestPair<'a> {
    let fields = [("name", "name"), ("foundedYear", "founded_year")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair
}

#[tokio::test]
async fn a_pull_failure_ends_when_the_person_takes_the_value_back() {
    let host = TestHost::start(Config::default());
    let id = host.person_creates(
        "companies",
        &[("name", "Globex"), ("domain", "globex.example")],
    );
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    host.person_sets("companies", id, &[("name", "")]);
    pair.sync().await;
    assert_eq!(pair.failures().await.len(), 1, "a partner needs a name");
    host.person_sets("companies", id, &[("name", "Globex")]);
    pair.sync().await;
    assert_eq!(pair.failures().await, [], "nothing is wrong any more");
}

#[tokio::test]
async fn a_field_that_is_ignored_takes_its_failures_along() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = founded_year(&acme).await;
    host.person_creates(
        "companies",
        &[("name", "Globex"), ("founded_year", UNREADABLE)],
    );
    pair.sync().await;
    assert_eq!(pair.failures().await.len(), 1, "the year cannot be read");
    pair.map("foundedYear", |mapping| {
        mapping.property = None;
        mapping.state = MappingState::Ignored;
    })
    .await;
    pair.sync().await;
    assert_eq!(pair.failures().await, [], "nobody asks for the year now");
}

#[tokio::test]
async fn every_field_that_is_parked_is_listed_once() {
    let host = TestHost::start(Config {
        companies: 1,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let fields = [
        ("name", "name"),
        ("city", "city"),
        ("phone", "phone"),
        ("employees", "numberofemployees"),
        ("regions", "city"),
    ];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    let now = host.now();
    for property in ["city", "phone"] {
        host.sim
            .sim()
            .person_removes_property("companies", property, now)
            .unwrap();
    }
    host.engine
        .discover(acme.id, acme.connection)
        .await
        .unwrap();
    // Options that no longer make sense, as a newer mapper may find them; saving them now would be refused.
    let stored = host.store.mappings(acme.id, pair.id).await.unwrap();
    let mut mappings = stored.mappings;
    let mut employees = mappings.get("employees").unwrap().clone();
    r#"{"nonsense":1}"#.clone_into(&mut employees.options);
    mappings.set(employees);
    host.store
        .put_mappings(acme.id, pair.id, stored.version, &mappings)
        .await
        .unwrap();
    pair.try_sync().await;
    let listed: Vec<_> = pair
        .failures()
        .await
        .into_iter()
        .filter_map(|entry| entry.failure.field)
        .map(|field| field.as_str().to_owned())
        .collect();
    let distinct: BTreeSet<_> = listed.iter().map(String::as_str).collect();
    assert_eq!(listed.len(), distinct.len(), "{listed:?}");
    let parked = ["city", "employees", "phone", "regions"];
    assert_eq!(distinct, BTreeSet::from(parked));
}

#[tokio::test]
async fn an_edit_of_ours_replaces_a_value_that_cannot_be_read() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = founded_year(&acme).await;
    pair.policy("foundedYear", ConflictPolicy::PartnerOsWins)
        .await;
    let fields = json!({ "name": "Globex", "foundedYear": 1999 });
    let record = acme.creates("partners", fields).await;
    pair.sync().await;
    let id = pair.object_of(record.id).await;
    host.person_sets("companies", id, &[("founded_year", UNREADABLE)]);
    pair.sync().await;
    acme.edits("partners", record.id, json!({ "foundedYear": 2001 }))
        .await;
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_eq!(
        host.hubspot_value("companies", id, "founded_year")
            .as_deref(),
        Some("2001")
    );
    assert_eq!(pair.failures().await, [], "the year can be read again");
}

#[tokio::test]
async fn a_value_that_we_cleared_is_cleared_there_though_it_cannot_be_read() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = founded_year(&acme).await;
    pair.map("foundedYear", |mapping| {
        mapping.direction = Some(Direction::PartnerOsToHubSpot);
    })
    .await;
    let fields = json!({ "name": "Globex", "foundedYear": 1999 });
    let record = acme.creates("partners", fields).await;
    pair.sync().await;
    let id = pair.object_of(record.id).await;
    host.person_sets("companies", id, &[("founded_year", UNREADABLE)]);
    acme.edits("partners", record.id, json!({ "foundedYear": null }))
        .await;
    for _ in 0..2 {
        pair.sync().await;
    }
    let held = host.hubspot_value("companies", id, "founded_year");
    assert_eq!(held, None, "failures: {:?}", pair.failures().await);
}

#[tokio::test]
async fn a_field_that_cannot_read_a_property_leaves_it_to_the_field_that_can() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let fields = [("name", "name"), ("description", "founded_year")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair.map("foundedYear", |mapping| {
        mapping.property = Some("founded_year".into());
        mapping.state = MappingState::Confirmed;
        mapping.direction = Some(Direction::HubSpotToPartnerOs);
    })
    .await;
    let values = [("name", "Globex"), ("founded_year", "1999")];
    let id = host.person_creates("companies", &values);
    pair.sync().await;
    let record = pair.record_of(id).await;
    host.person_sets("companies", id, &[("founded_year", UNREADABLE)]);
    pair.sync().await;
    assert_eq!(
        acme.value("partners", record, "description").await,
        json!(UNREADABLE)
    );
    acme.edits("partners", record, json!({ "description": "ours" }))
        .await;
    for _ in 0..2 {
        pair.sync().await;
    }
    let held = host.hubspot_value("companies", id, "founded_year");
    assert_eq!(
        held.as_deref(),
        Some("ours"),
        "conflicts: {:?}, failures: {:?}",
        pair.conflicts().await,
        pair.failures().await
    );
}

#[tokio::test]
async fn an_object_that_is_restored_gets_the_edit_that_waited_for_it() {
    let host = TestHost::start(Config {
        companies: 1,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let id = host.sim.sim().live_ids("companies").unwrap()[0];
    let record = pair.record_of(id).await;
    host.wait_ms(1_000);
    let now = host.now();
    host.sim
        .sim()
        .person_archives("companies", id, now)
        .unwrap();
    acme.edits("partners", record, json!({ "city": "Bern" }))
        .await;
    pair.sync().await;
    assert_eq!(pair.failures().await.len(), 1, "the object is not there");

    host.wait_ms(1_000);
    let now = host.now();
    host.sim
        .sim()
        .person_restores("companies", id, now)
        .unwrap();
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_eq!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("Bern"),
        "failures: {:?}",
        pair.failures().await
    );
    assert_eq!(pair.failures().await, [], "the edit has arrived");
}
