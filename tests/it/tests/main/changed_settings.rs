//! An admin changes a pair that has synced before; what holds from then on is what is saved now.

use hubspot_sim::Config;
use hubspot_sim::state::definitions::NewProperty;
use partneros_domain::{ConflictPolicy, Direction, FieldName, MappingState};
use partneros_it::TestHost;
use partneros_store::{PairPatch, Pairs as _};
use serde_json::json;

fn one_company() -> Config {
    Config {
        companies: 1,
        ..Config::default()
    }
}

#[tokio::test]
async fn a_parked_field_syncs_again_once_its_property_is_back() {
    let host = TestHost::start(Config::default());
    let town: NewProperty = serde_json::from_value(json!({
        "name": "town",
        "label": "Town",
        "type": "string",
        "fieldType": "text",
        "groupName": "companyinformation",
    }))
    .unwrap();
    let adds_town = || {
        let now = host.now();
        let added = host.sim.sim().person_adds_property("companies", &town, now);
        added.unwrap();
    };
    adds_town();
    let id = host.person_creates("companies", &[("name", "Globex"), ("town", "Bern")]);
    let acme = host.organization("acme").await;
    let fields = [("name", "name"), ("city", "town")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair.sync().await;
    let record = pair.record_of(id).await;

    let now = host.now();
    host.sim
        .sim()
        .person_removes_property("companies", "town", now)
        .unwrap();
    host.person_sets("companies", id, &[("name", "Globex 2")]);
    pair.sync().await;
    assert_eq!(pair.failures().await.len(), 1, "the city is parked");
    acme.edits("partners", record, json!({ "city": "Graz" }))
        .await;
    pair.sync().await;

    adds_town();
    host.engine
        .discover(acme.id, acme.connection)
        .await
        .unwrap();
    for _ in 0..2 {
        pair.sync().await;
    }
    assert_eq!(
        host.hubspot_value("companies", id, "town").as_deref(),
        Some("Graz"),
        "what was edited while the field was parked must arrive"
    );
    assert_eq!(pair.failures().await, [], "nothing is parked any more");
}

#[tokio::test]
async fn new_suggestions_leave_what_a_person_decided() {
    let host = TestHost::start(one_company());
    let acme = host.organization("acme").await;
    let pair = acme
        .draft("partners", "companies", Direction::Bidirectional)
        .await;
    host.engine.suggest(acme.id, pair.id).await.unwrap();
    pair.map("city", |mapping| {
        mapping.direction = Some(Direction::HubSpotToPartnerOs);
        mapping.conflict_policy = ConflictPolicy::CrmWins;
    })
    .await;
    pair.activate().await;
    pair.sync().await;
    let before = host.store.mappings(acme.id, pair.id).await.unwrap();
    host.engine.suggest(acme.id, pair.id).await.unwrap();
    let after = host.store.mappings(acme.id, pair.id).await.unwrap();
    let city = after.mappings.get("city").expect("the city is mapped");
    assert_eq!(Some(city), before.mappings.get("city"));
    assert_eq!(city.direction, Some(Direction::HubSpotToPartnerOs));
    assert_eq!(city.conflict_policy, ConflictPolicy::CrmWins);
}

#[tokio::test]
async fn a_pair_that_begins_to_write_hubspot_makes_objects_of_its_records() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = acme
        .draft("partners", "companies", Direction::HubSpotToPartnerOs)
        .await;
    pair.confirm_all().await;
    pair.activate().await;
    pair.sync().await;
    let record = acme.creates("partners", json!({ "name": "Globex" })).await;
    let patch = PairPatch {
        direction: Some(Direction::Bidirectional),
        ..PairPatch::default()
    };
    host.store
        .update_pair(acme.id, pair.id, &patch)
        .await
        .unwrap();
    let run = pair.sync().await;
    assert_eq!(run.counts.hubspot_created, 1, "{:?}", pair.failures().await);
    let id = pair.object_of(record.id).await;
    assert_eq!(host.sim.sim().live_ids("companies").unwrap(), [id]);
}

#[tokio::test]
async fn the_property_of_our_record_ids_is_made_again_when_it_was_deleted() {
    let host = TestHost::start(one_company());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let now = host.now();
    host.sim
        .sim()
        .person_removes_property("companies", "partneros_record_id", now)
        .unwrap();
    let record = acme.creates("partners", json!({ "name": "Globex" })).await;
    let run = pair.sync().await;
    assert_eq!(run.counts.hubspot_created, 1, "{:?}", pair.failures().await);
    let id = pair.object_of(record.id).await;
    assert_eq!(
        host.hubspot_value("companies", id, "name").as_deref(),
        Some("Globex")
    );
}

#[tokio::test]
async fn a_field_that_takes_over_another_fields_property_agrees_with_it() {
    let host = TestHost::start(Config::default());
    let values = [("name", "Globex"), ("city", "Bern"), ("state", "BE")];
    let id = host.person_creates("companies", &values);
    let acme = host.organization("acme").await;
    let fields = [("name", "name"), ("city", "city"), ("state", "state")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair.sync().await;
    let record = pair.record_of(id).await;
    pair.map("state", |mapping| {
        mapping.property = None;
        mapping.state = MappingState::Ignored;
    })
    .await;
    pair.map("city", |mapping| mapping.property = Some("state".into()))
        .await;
    for _ in 0..2 {
        pair.sync().await;
    }
    pair.assert_agreement().await;
    // What the other field agreed with that property about says nothing of this one: the difference is a conflict.
    let conflicts = pair.conflicts().await;
    let fields: Vec<_> = conflicts
        .iter()
        .map(|entry| entry.conflict.field.as_str())
        .collect();
    assert_eq!(fields, ["city"], "{conflicts:?}");
    let ours = acme.value("partners", record, "state").await;
    assert_eq!(ours, json!("BE"), "an ignored field keeps its value");
}

#[tokio::test]
async fn changed_options_are_applied_to_what_synced_before() {
    let host = TestHost::start(Config::default());
    host.person_creates("companies", &[("name", "Globex"), ("annualrevenue", "100")]);
    let acme = host.organization("acme").await;
    let fields = [("name", "name"), ("companyRevenue", "annualrevenue")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair.sync().await;
    pair.map("companyRevenue", |mapping| {
        r#"{"toHubspot":{"scale":1000},"toPartneros":{"scale":0.001}}"#
            .clone_into(&mut mapping.options);
    })
    .await;
    for _ in 0..2 {
        pair.sync().await;
    }
    pair.assert_agreement().await;
    assert!(
        pair.failures().await.iter().all(|entry| entry
            .failure
            .field
            .as_ref()
            .map(FieldName::as_str)
            != Some("companyRevenue")),
        "{:?}",
        pair.failures().await
    );
}
