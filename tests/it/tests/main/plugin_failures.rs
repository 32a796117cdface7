//! What becomes of a plugin that fails: on a record, on a field, on everything.

use partneros_domain::{AlertKind, PluginFailurePolicy, RulePlugin};
use partneros_it::TestHost;
use partneros_store::{
    AlertState, Alerts as _, BindingScope, MapperParts, PairPatch, Pairs as _, PluginActivity as _,
    Plugins as _, RunOutcome, SyncState as _, VersionState,
};
use serde_json::json;

use crate::plugins::{NAMES, host};

#[tokio::test]
async fn a_poisonous_record_is_parked_and_the_others_go_through() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let version = acme.uploads("sensitive", test_guests::POISONED).await;
    acme.binds(&[version]).await;
    let mut good = Vec::new();
    for at in 0..20 {
        good.push(host.person_creates("companies", &[("name", &format!("Company {at}"))]));
    }
    let bad = host.person_creates("companies", &[("name", "poison")]);
    pair.sync().await;
    for id in &good {
        pair.record_of(*id).await;
    }
    assert_eq!(pair.find_record_of(bad).await, None);
    let failures = pair.failures().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].failure.code, "plugin_failed");
    assert!(
        failures[0].failure.message.contains("that was poison"),
        "{failures:?}"
    );
    let logs = host
        .store
        .plugin_logs(acme.id, version, None, 100)
        .await
        .unwrap();
    assert!(
        logs.items
            .iter()
            .any(|call| call.log.contains("that was poison"))
    );
    host.person_sets("companies", bad, &[("name", "Antidote")]);
    pair.sync().await;
    let record = pair.record_of(bad).await;
    assert_eq!(acme.value("partners", record, "name").await, "Antidote");
    assert_eq!(pair.failures().await, []);
}

#[tokio::test]
async fn a_poisonous_edit_waits_and_makes_no_empty_object() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let version = acme.uploads("sensitive", test_guests::POISONED).await;
    acme.binds(&[version]).await;
    let bad = acme.creates("partners", json!({"name": "poison"})).await;
    let good = acme.creates("partners", json!({"name": "Globex"})).await;
    pair.sync().await;
    pair.object_of(good.id).await;
    let made = host.store.count_links(acme.id, pair.id).await.unwrap();
    assert_eq!(made, 1, "one object was made");
    let failures = pair.failures().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].record_id, Some(bad.id));
    acme.edits("partners", bad.id, json!({"name": "Antidote"}))
        .await;
    pair.sync().await;
    let object = pair.object_of(bad.id).await;
    let held = host.hubspot_value("companies", object, "name");
    assert_eq!(held.as_deref(), Some("Antidote"));
}

async fn policy(
    host: &TestHost,
    pair: &partneros_it::TestPair<'_>,
    acme: partneros_domain::OrganizationId,
    policy: PluginFailurePolicy,
) {
    let patch = PairPatch {
        plugin_failure_policy: Some(policy),
        ..PairPatch::default()
    };
    host.store.update_pair(acme, pair.id, &patch).await.unwrap();
}

#[tokio::test]
async fn a_poisonous_field_is_skipped_and_the_others_go_through() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    policy(&host, &pair, acme.id, PluginFailurePolicy::SkipField).await;
    let version = acme.uploads("sensitive", test_guests::POISONED).await;
    acme.binds(&[version]).await;
    let globex = host.person_creates("companies", &[("name", "Globex"), ("domain", "poison")]);
    pair.sync().await;
    let record = pair.record_of(globex).await;
    assert_eq!(acme.value("partners", record, "name").await, "Globex");
    assert_eq!(acme.value("partners", record, "domain").await, json!(null));
    let failures = pair.failures().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(
        failures[0]
            .failure
            .field
            .as_ref()
            .map(ToString::to_string)
            .as_deref(),
        Some("domain")
    );
}

#[tokio::test]
async fn only_the_poisonous_cells_of_a_skipped_field_are_missing() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme
        .mapped_by_hand(
            "partners",
            "companies",
            &[("name", "name"), ("domain", "domain")],
        )
        .await;
    policy(&host, &pair, acme.id, PluginFailurePolicy::SkipField).await;
    let version = acme.uploads("sensitive", test_guests::POISONED).await;
    // One rule alone, beside a mapper that has no trouble.
    pair.map("domain", |mapping| {
        mapping.plugin = Some(RulePlugin::Version(version));
    })
    .await;
    let mut companies = Vec::new();
    for at in 0..9 {
        let domain = if at == 4 {
            "poison".to_owned()
        } else {
            format!("{at}.com")
        };
        let values = [("name", "Globex"), ("domain", domain.as_str())];
        companies.push(host.person_creates("companies", &values));
    }
    pair.sync().await;
    for (at, id) in companies.iter().enumerate() {
        let record = pair.record_of(*id).await;
        let domain = acme.value("partners", record, "domain").await;
        let expected = if at == 4 {
            json!(null)
        } else {
            json!(format!("{at}.com"))
        };
        assert_eq!(domain, expected);
    }
    assert_eq!(pair.failures().await.len(), 1);
}

#[tokio::test]
async fn a_rule_whose_plugin_does_not_work_costs_that_rule_only() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let version = acme
        .uploads("broken", test_guests::RETURNS_WRONG_LENGTH)
        .await;
    pair.map("domain", |mapping| {
        mapping.plugin = Some(RulePlugin::Version(version));
    })
    .await;
    let globex = host.person_creates("companies", &[("name", "Globex"), ("domain", "globex.com")]);
    pair.sync().await;
    let record = pair.record_of(globex).await;
    assert_eq!(acme.value("partners", record, "name").await, "Globex");
    assert_eq!(acme.value("partners", record, "domain").await, json!(null));
    assert!(!pair.failures().await.is_empty());
    let initech = acme
        .creates(
            "partners",
            json!({"name": "Initech", "domain": "initech.com"}),
        )
        .await;
    pair.sync().await;
    let object = pair.object_of(initech.id).await;
    assert_eq!(
        host.hubspot_value("companies", object, "name").as_deref(),
        Some("Initech")
    );
    assert_eq!(host.hubspot_value("companies", object, "domain"), None);
}

#[tokio::test]
async fn a_poisonous_record_does_not_cost_the_version() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let good = acme.uploads("mapper", test_guests::UPPERCASE).await;
    let version = acme.uploads("mapper", test_guests::POISONED).await;
    acme.binds(&[good]).await;
    acme.binds(&[version]).await;
    host.person_creates("companies", &[("name", "poison")]);
    for _ in 0..5 {
        pair.sync().await;
    }
    let version = host.store.plugin_version(acme.id, version).await.unwrap();
    assert_eq!(version.state, VersionState::Active);
}

#[tokio::test]
async fn a_quarantined_version_stops_its_pairs_until_another_is_bound() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let version = acme.uploads("mapper", test_guests::UPPERCASE).await;
    acme.binds(&[version]).await;
    let now = host.now();
    host.store
        .quarantine_version(acme.id, version, "wrong", now)
        .await
        .unwrap();
    host.person_creates("companies", &[("name", "Globex")]);
    let run = pair.try_sync().await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    assert!(run.error.unwrap().contains("quarantined: wrong"));
    host.engine.release(acme.id, "test", version).await.unwrap();
    pair.sync().await;
}

#[tokio::test]
async fn the_last_good_version_steps_in() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    policy(&host, &pair, acme.id, PluginFailurePolicy::LastGoodVersion).await;
    let good = acme.uploads("mapper", test_guests::UPPERCASE).await;
    let bad = acme.uploads("mapper", test_guests::POISONED).await;
    acme.binds(&[good]).await;
    acme.binds(&[bad]).await;
    let globex = host.person_creates("companies", &[("name", "poison")]);
    pair.sync().await;
    let record = pair.record_of(globex).await;
    assert_eq!(acme.value("partners", record, "name").await, "POISON");
}

#[tokio::test]
async fn a_version_whose_work_another_does_is_quarantined_too() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let last_good = PluginFailurePolicy::LastGoodVersion;
    policy(&host, &pair, acme.id, last_good).await;
    let good = acme.uploads("mapper", test_guests::UPPERCASE).await;
    let broken = test_guests::RETURNS_WRONG_LENGTH;
    let bad = acme.uploads("mapper", broken).await;
    acme.binds(&[good]).await;
    acme.binds(&[bad]).await;
    for at in 0..3 {
        let name = format!("Company {at}");
        let id = host.person_creates("companies", &[("name", &name)]);
        pair.sync().await;
        let record = pair.record_of(id).await;
        let value = acme.value("partners", record, "name").await;
        assert_eq!(value, name.to_uppercase());
    }
    let version = host.store.plugin_version(acme.id, bad).await.unwrap();
    assert_eq!(version.state, VersionState::Quarantined);
}

#[tokio::test]
async fn a_version_that_keeps_failing_is_quarantined_and_the_one_before_runs_again() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let good = acme.uploads("mapper", test_guests::UPPERCASE).await;
    let bad = acme
        .uploads("mapper", test_guests::RETURNS_WRONG_LENGTH)
        .await;
    acme.binds(&[good]).await;
    acme.binds(&[bad]).await;
    let globex = host.person_creates("companies", &[("name", "Globex")]);
    for _ in 0..2 {
        let run = pair.try_sync().await;
        assert_eq!(run.outcome, RunOutcome::Failed, "{:?}", run.error);
    }
    let run = pair.sync().await;
    assert_eq!(run.error, None);
    let record = pair.record_of(globex).await;
    assert_eq!(acme.value("partners", record, "name").await, "GLOBEX");
    let version = host.store.plugin_version(acme.id, bad).await.unwrap();
    assert_eq!(version.state, VersionState::Quarantined);
    let alerts = host
        .store
        .alerts(acme.id, &AlertState::UNRESOLVED, None, 10)
        .await
        .unwrap()
        .items;
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].kind, AlertKind::PluginQuarantined);
    let again = MapperParts(vec![bad]);
    let scope = BindingScope::Organization;
    let bound = host.engine.bind(acme.id, "test", scope, again).await;
    assert!(matches!(
        bound,
        Err(partneros_sync::Error::Quarantined { .. })
    ));
}
