//! Fields that are made of several properties, and properties that are made of several fields.

use hubspot_sim::Config;
use partneros_domain::{ConflictPolicy, Direction, MappingState};
use partneros_it::{TestHost, TestOrganization, TestPair};
use partneros_store::RunOutcome;
use serde_json::json;

use crate::faults;

/// The city by itself; and the street, joined with the city, as the address.
async fn city_in_two_properties<'a>(
    acme: &TestOrganization<'a>,
    direction: Option<Direction>,
) -> TestPair<'a> {
    let fields = [("name", "name"), ("city", "city")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair.map("street", |mapping| {
        mapping.property = Some("address".into());
        mapping.state = MappingState::Confirmed;
        mapping.direction = direction;
        mapping.conflict_policy = ConflictPolicy::CrmWins;
        mapping.extra_fields = vec!["city".into()];
        r#"{"toHubspot":{"join":{"separator":", "}}}"#.clone_into(&mut mapping.options);
    })
    .await;
    pair
}

#[tokio::test]
async fn a_joined_property_follows_what_the_same_pass_pulled() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = city_in_two_properties(&acme, Some(Direction::PartnerOsToHubSpot)).await;
    let fields = json!({ "name": "Globex", "street": "Main 1", "city": "Bern" });
    let record = acme.creates("partners", fields).await;
    pair.sync().await;
    let id = pair.object_of(record.id).await;
    let address = || host.hubspot_value("companies", id, "address");
    assert_eq!(address().as_deref(), Some("Main 1, Bern"));

    host.person_sets("companies", id, &[("city", "Graz")]);
    pair.sync().await;
    pair.sync().await;
    assert_eq!(
        acme.value("partners", record.id, "city").await,
        json!("Graz")
    );
    assert_eq!(address().as_deref(), Some("Main 1, Graz"));
}

#[tokio::test]
async fn a_conflict_over_a_joined_property_leaves_the_edit_of_its_part_to_the_parts_own_property() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = city_in_two_properties(&acme, None).await;
    let fields = json!({ "name": "Globex", "street": "Main 1", "city": "Bern" });
    let record = acme.creates("partners", fields).await;
    for _ in 0..2 {
        pair.sync().await;
    }
    let id = pair.object_of(record.id).await;
    host.person_sets("companies", id, &[("address", "Other 2")]);
    acme.edits("partners", record.id, json!({ "city": "Graz" }))
        .await;
    for _ in 0..3 {
        pair.sync().await;
    }
    assert_eq!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("Graz"),
        "ours: {:?}, conflicts: {:?}, failures: {:?}",
        acme.record("partners", record.id).await.fields,
        pair.conflicts().await,
        pair.failures().await
    );
}

#[tokio::test]
async fn a_shortened_value_does_not_come_back_through_a_field_of_two_properties() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let fields = [("name", "name")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair.map("description", |mapping| {
        mapping.property = Some("description".into());
        mapping.state = MappingState::Confirmed;
        mapping.extra_properties = vec!["about_us".into()];
        r#"{"toPartneros":{"join":{"separator":" / "}},"toHubspot":{"truncate":5}}"#
            .clone_into(&mut mapping.options);
    })
    .await;
    let fields = json!({ "name": "Globex", "description": "Winterthur" });
    let record = acme.creates("partners", fields).await;
    for _ in 0..4 {
        pair.sync().await;
    }
    assert_eq!(
        acme.value("partners", record.id, "description").await,
        json!("Winterthur"),
        "conflicts: {:?}",
        pair.conflicts().await
    );
}

#[tokio::test]
async fn a_value_that_won_and_comes_back_before_it_is_written_reaches_hubspot() {
    for came_back in [json!("Bern"), json!("Graz")] {
        let host = TestHost::start(Config::default());
        let id = host.person_creates("companies", &[("name", "Globex"), ("city", "Bern")]);
        let acme = host.organization("acme").await;
        let pair = acme.pair("partners", "companies").await;
        pair.policy("city", ConflictPolicy::PartnerOsWins).await;
        pair.sync().await;
        let record = pair.record_of(id).await;
        host.person_sets("companies", id, &[("city", "Graz")]);
        let ours = json!({ "city": "Chur" });
        acme.edits("partners", record, ours).await;
        // The pull lets our value win, and the push cannot begin.
        faults::refuse(&host, "batch/read");
        assert_eq!(pair.try_sync().await.outcome, RunOutcome::Failed);
        assert_eq!(pair.conflicts().await.len(), 1);
        faults::end(&host);
        let back = json!({ "city": came_back });
        acme.edits("partners", record, back).await;
        pair.sync().await;
        assert_eq!(
            host.hubspot_value("companies", id, "city").as_deref(),
            came_back.as_str()
        );
        pair.assert_agreement().await;
        assert_eq!(pair.conflicts().await.len(), 1, "{came_back}");
    }
}
