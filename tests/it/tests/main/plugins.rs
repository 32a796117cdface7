//! Which plugin maps, and what becomes of it: bound, beside, over, by the rule, failing, falling back.

use hubspot_sim::Config;
use partneros_domain::plan::TransformDirection;
use partneros_domain::{
    ConflictPolicy, FieldMapping, MappingState, PluginFailurePolicy, RulePlugin,
};
use partneros_it::TestHost;
use partneros_store::{
    Audit as _, BindingScope, Candidate, MapperParts, PairPatch, Pairs as _, PluginActivity as _,
    Plugins as _, RunOutcome, SyncState as _, VersionState,
};
use partneros_sync::ShadowReport;
use serde_json::json;

fn host() -> TestHost {
    TestHost::start(Config {
        companies: 0,
        deals: 0,
        ..Config::default()
    })
}

const NAMES: &[(&str, &str)] = &[("name", "name"), ("domain", "domain")];

#[tokio::test]
async fn a_bound_version_maps_and_unbinding_brings_the_default_back() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let version = acme.uploads("shouter", test_guests::UPPERCASE).await;
    acme.binds(&[version]).await;
    let globex = host.person_creates("companies", &[("name", "Globex")]);
    pair.sync().await;
    let record = pair.record_of(globex).await;
    assert_eq!(acme.value("partners", record, "name").await, "GLOBEX");
    let engine = &host.engine;
    let scope = BindingScope::Organization;
    engine.unbind(acme.id, "test", scope).await.unwrap();
    host.person_sets("companies", globex, &[("name", "Globex Corp")]);
    pair.sync().await;
    assert_eq!(acme.value("partners", record, "name").await, "Globex Corp");
    let version = host.store.plugin_version(acme.id, version).await.unwrap();
    assert_eq!(version.state, VersionState::Retired);
    let events = host.store.events(acme.id, Some("plugin."), None, 10).await;
    let events: Vec<_> = events
        .unwrap()
        .items
        .into_iter()
        .map(|event| event.event)
        .collect();
    assert_eq!(events, ["plugin.deactivated", "plugin.activated"]);
}

#[tokio::test]
async fn the_narrowest_binding_counts() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let version = acme.uploads("shouter", test_guests::UPPERCASE).await;
    acme.binds(&[version]).await;
    let scope = BindingScope::Pair(pair.id);
    let bound = host
        .engine
        .bind(acme.id, "test", scope, MapperParts::default())
        .await;
    bound.unwrap();
    let globex = host.person_creates("companies", &[("name", "Globex")]);
    pair.sync().await;
    let record = pair.record_of(globex).await;
    assert_eq!(acme.value("partners", record, "name").await, "Globex");
}

#[tokio::test]
async fn a_layer_stands_on_the_default_mapper() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let layer = acme.uploads("marker", test_guests::LAYERS).await;
    acme.binds(&[layer]).await;
    let globex = host.person_creates("companies", &[("name", "Globex")]);
    pair.sync().await;
    let record = pair.record_of(globex).await;
    assert_eq!(acme.value("partners", record, "name").await, "Globex+");
    acme.binds(&[layer, layer]).await;
    let initech = host.person_creates("companies", &[("name", "Initech")]);
    pair.sync().await;
    let record = pair.record_of(initech).await;
    assert_eq!(acme.value("partners", record, "name").await, "Initech++");
}

fn expression(options: serde_json::Value) -> impl FnOnce(&mut FieldMapping) {
    move |mapping| {
        mapping.plugin = Some(RulePlugin::Expression);
        mapping.options = options.to_string();
    }
}

#[tokio::test]
async fn a_single_rule_is_an_expression() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let both = json!({"toPartneros": "value.lower()", "toHubspot": "value.lower()"});
    pair.map("name", expression(both)).await;
    let globex = host.person_creates("companies", &[("name", "Globex"), ("domain", "Globex.com")]);
    pair.sync().await;
    let record = pair.record_of(globex).await;
    assert_eq!(acme.value("partners", record, "name").await, "globex");
    assert_eq!(acme.value("partners", record, "domain").await, "Globex.com");
    acme.edits("partners", record, json!({"name": "NEW Name"}))
        .await;
    pair.sync().await;
    let held = host.hubspot_value("companies", globex, "name");
    assert_eq!(held.as_deref(), Some("new name"));
    pair.sync().await;
    host.writes();
    pair.sync().await;
    assert_eq!(host.writes(), 0, "a lossy expression does not loop");
}

#[tokio::test]
async fn an_expression_that_does_not_compile_is_not_saved() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let set = host.store.mappings(acme.id, pair.id).await.unwrap();
    let mut mappings = set.mappings;
    let mut mapping = mappings.get("name").unwrap().clone();
    expression(json!({"toPartneros": "value.\n  trim(", "toHubspot": "value"}))(&mut mapping);
    mappings.set(mapping);
    let saved = host
        .engine
        .save_mappings(acme.id, pair.id, set.version, &mappings)
        .await;
    let partneros_sync::Error::Mappings(problems) = saved.unwrap_err() else {
        panic!("problems with the mappings");
    };
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].field.as_deref(), Some("name"));
    assert!(
        problems[0].message.contains("line 2, column"),
        "{problems:?}"
    );
}

#[tokio::test]
async fn a_rule_whose_plugin_is_gone_is_parked_and_the_rest_syncs() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let version = acme.uploads("shouter", test_guests::UPPERCASE).await;
    pair.map("domain", |mapping| {
        mapping.plugin = Some(RulePlugin::Version(version));
    })
    .await;
    let deleted = host.store.delete_plugin_version(acme.id, version).await;
    assert!(deleted.is_err(), "a mapping names it");
    let now = host.now();
    host.store
        .quarantine_version(acme.id, version, "test", now)
        .await
        .unwrap();
    let globex = host.person_creates("companies", &[("name", "Globex"), ("domain", "globex.com")]);
    pair.sync().await;
    let record = pair.record_of(globex).await;
    assert_eq!(acme.value("partners", record, "name").await, "Globex");
    assert_eq!(acme.value("partners", record, "domain").await, json!(null));
    let failures = pair.failures().await;
    assert_eq!(failures[0].failure.code, "unknown_plugin");
    host.store.release_version(acme.id, version).await.unwrap();
    pair.sync().await;
    assert_eq!(acme.value("partners", record, "domain").await, "GLOBEX.COM");
}

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
        .alerts(acme.id, true, None, 10)
        .await
        .unwrap()
        .items;
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].kind, "plugin.quarantined");
    let again = MapperParts(vec![bad]);
    let scope = BindingScope::Organization;
    let bound = host.engine.bind(acme.id, "test", scope, again).await;
    assert!(matches!(
        bound,
        Err(partneros_sync::Error::Quarantined { .. })
    ));
}

#[tokio::test]
async fn a_candidate_is_compared_without_effect_and_takes_over_when_it_has_proved_itself() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let version = acme.uploads("mapper", test_guests::UPPERCASE).await;
    let scope = BindingScope::Pair(pair.id);
    let candidate = |differing_max_permille| Candidate {
        parts: MapperParts(vec![version]),
        started_at: host.now(),
        promote_after_rows: Some(2),
        differing_max_permille,
    };
    let engine = &host.engine;
    engine
        .try_beside(acme.id, "test", scope, Some(candidate(100)))
        .await
        .unwrap();
    let globex = host.person_creates("companies", &[("name", "Globex")]);
    host.person_creates("companies", &[("name", "INITECH")]);
    pair.sync().await;
    let record = pair.record_of(globex).await;
    assert_eq!(
        acme.value("partners", record, "name").await,
        "Globex",
        "no effect"
    );
    let report = host
        .store
        .shadow_report(acme.id, pair.id)
        .await
        .unwrap()
        .unwrap();
    let report: ShadowReport = serde_json::from_value(report).unwrap();
    assert_eq!((report.rows, report.differing), (2, 1), "{report:?}");
    let sample = &report.fields["name"].samples[0];
    assert_eq!(
        json!([sample.active, sample.candidate]),
        json!(["Globex", "GLOBEX"])
    );
    let binding = host.store.binding(acme.id, scope).await.unwrap().unwrap();
    assert_eq!(binding.parts, MapperParts::default(), "too much differs");
    host.wait_ms(1_000);
    engine
        .try_beside(acme.id, "test", scope, Some(candidate(500)))
        .await
        .unwrap();
    host.person_sets("companies", globex, &[("name", "Hooli")]);
    host.person_creates("companies", &[("name", "UMBRELLA")]);
    pair.sync().await;
    let binding = host.store.binding(acme.id, scope).await.unwrap().unwrap();
    assert_eq!(binding.parts, MapperParts(vec![version]));
    host.person_sets("companies", globex, &[("name", "Hooli Two")]);
    pair.sync().await;
    assert_eq!(acme.value("partners", record, "name").await, "HOOLI TWO");
}

#[tokio::test]
async fn fields_that_do_not_come_back_are_shown_with_an_example() {
    let host = host();
    let acme = host.organization("acme").await;
    host.person_creates(
        "companies",
        &[("name", "Globex Corporation"), ("domain", "globex.com")],
    );
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let lossy = json!({"toPartneros": "value.upper()", "toHubspot": "value"});
    pair.map("name", expression(lossy)).await;
    let proof = host.engine.prove(acme.id, pair.id).await.unwrap();
    assert_eq!(proof.real_rows, 1);
    assert_eq!(proof.fields.len(), 2);
    let [example] = &proof.examples[..] else {
        panic!("one field is lossy: {:?}", proof.examples);
    };
    assert_eq!(example.field.as_str(), "name");
    assert!(example.is_real);
    assert_eq!(example.hubspot.as_deref(), Some("Globex Corporation"));
    assert_eq!(example.back.as_deref(), Some("GLOBEX CORPORATION"));
}

#[tokio::test]
async fn a_mapping_is_tried_on_real_and_given_samples() {
    let host = host();
    let acme = host.organization("acme").await;
    host.person_creates("companies", &[("name", "  Globex ")]);
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let mut mapping = FieldMapping {
        property: Some("name".into()),
        state: MappingState::Confirmed,
        ..FieldMapping::unmapped("name".into(), ConflictPolicy::NewestWins)
    };
    expression(json!({"toPartneros": "value.trim()", "toHubspot": "value"}))(&mut mapping);
    let inbound = TransformDirection::ToPartnerOs;
    let engine = &host.engine;
    let tried = engine
        .try_out(acme.id, pair.id, mapping.clone(), inbound, None)
        .await
        .unwrap();
    assert_eq!(json!(tried.rows[0].output), "Globex");
    let sample = json!({"name": " Hooli"}).as_object().unwrap().clone();
    let tried = engine
        .try_out(
            acme.id,
            pair.id,
            mapping.clone(),
            inbound,
            Some(vec![sample]),
        )
        .await;
    assert_eq!(json!(tried.unwrap().rows[0].output), "Hooli");
    mapping.options = json!({"toPartneros": "inputs.nmae", "toHubspot": "value"}).to_string();
    let tried = engine
        .try_out(acme.id, pair.id, mapping, inbound, None)
        .await
        .unwrap();
    assert_eq!(
        tried.problems[0].code, "unknown-input",
        "{:?}",
        tried.problems
    );
    assert_eq!(tried.rows, []);
}

#[tokio::test]
async fn what_a_plugin_took_is_billed_by_day() {
    let host = host();
    let acme = host.organization("acme").await;
    let pair = acme.mapped_by_hand("partners", "companies", NAMES).await;
    host.person_creates("companies", &[("name", "Globex")]);
    pair.sync().await;
    let usage = host
        .store
        .plugin_usage(acme.id, Some(pair.id), 0)
        .await
        .unwrap();
    let [usage] = &usage[..] else {
        panic!("one plugin on one day: {usage:?}");
    };
    assert_eq!(
        &usage.digest,
        host.engine.parts().plugins.default_mapper().digest()
    );
    assert!(
        usage.rows >= 1 && usage.fuel > 0 && usage.calls >= 1,
        "{usage:?}"
    );
}
