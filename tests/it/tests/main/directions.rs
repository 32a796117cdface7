//! Values flow only where the direction lets them.

use hubspot_sim::Config;
use partneros_domain::Direction;
use partneros_it::TestHost;
use serde_json::json;

#[tokio::test]
async fn hubspot_to_partneros_never_writes_hubspot() {
    let host = TestHost::start(Config {
        companies: 3,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme
        .draft("partners", "companies", Direction::HubSpotToPartnerOs)
        .await;
    pair.confirm_all().await;
    host.writes();
    pair.activate().await;
    pair.sync().await;
    let id = host.sim.sim().live_ids("companies").unwrap()[0];
    let record = pair.record_of(id).await;
    acme.edits("partners", record, json!({ "city": "Ours" }))
        .await;
    acme.creates("partners", json!({ "name": "Ours alone" }))
        .await;
    pair.sync().await;
    assert_eq!(host.writes(), 0);
    assert_eq!(acme.value("partners", record, "city").await, json!("Ours"));

    host.person_sets("companies", id, &[("city", "Theirs")]);
    pair.sync().await;
    assert_eq!(
        acme.value("partners", record, "city").await,
        json!("Theirs")
    );
    assert_eq!(pair.conflicts().await.len(), 1);
    assert_eq!(host.writes(), 0);
}

#[tokio::test]
async fn partneros_to_hubspot_never_writes_records() {
    let host = TestHost::start(Config {
        companies: 3,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme
        .draft("partners", "companies", Direction::PartnerOsToHubSpot)
        .await;
    pair.confirm_all().await;
    pair.activate().await;
    let record = acme
        .creates("partners", json!({ "name": "Ours", "city": "Bern" }))
        .await;
    let run = pair.sync().await;
    assert_eq!(run.counts.records_created, 0);
    assert_eq!(run.counts.hubspot_created, 1);
    let id = pair.object_of(record.id).await;

    host.person_sets("companies", id, &[("city", "Theirs")]);
    pair.sync().await;
    assert_eq!(
        acme.value("partners", record.id, "city").await,
        json!("Bern")
    );
    assert_eq!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("Theirs")
    );

    acme.edits("partners", record.id, json!({ "city": "Graz" }))
        .await;
    pair.sync().await;
    assert_eq!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("Graz")
    );
    let conflicts = pair.conflicts().await;
    assert_eq!(conflicts.len(), 1);
    assert_eq!(
        conflicts[0].conflict.hubspot_value.as_deref(),
        Some("Theirs")
    );
}

#[tokio::test]
async fn a_mapping_may_be_narrower_than_its_pair() {
    let host = TestHost::start(Config {
        companies: 2,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.map("city", |mapping| {
        mapping.direction = Some(Direction::HubSpotToPartnerOs);
    })
    .await;
    pair.sync().await;
    let id = host.sim.sim().live_ids("companies").unwrap()[0];
    let record = pair.record_of(id).await;
    let before = host.hubspot_value("companies", id, "city");
    acme.edits(
        "partners",
        record,
        json!({ "city": "Ours", "phone": "+41 31 000 00 00" }),
    )
    .await;
    pair.sync().await;
    assert_eq!(host.hubspot_value("companies", id, "city"), before);
    assert_eq!(
        host.hubspot_value("companies", id, "phone").as_deref(),
        Some("+41 31 000 00 00")
    );
}

#[tokio::test]
async fn a_deleted_record_leaves_its_object_alone_and_does_not_come_back() {
    use partneros_store::Records as _;
    let host = TestHost::start(Config {
        companies: 2,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let id = host.sim.sim().live_ids("companies").unwrap()[0];
    let record = pair.record_of(id).await;
    host.store
        .delete_record(acme.id, "partners", record, host.now())
        .await
        .unwrap();
    host.person_sets("companies", id, &[("city", "Bern")]);
    host.writes();
    let run = pair.sync().await;
    assert_eq!(run.counts.records_created, 0);
    assert_eq!(host.writes(), 0);
    assert_eq!(host.sim.sim().live_ids("companies").unwrap().len(), 2);
}
