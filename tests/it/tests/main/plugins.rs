//! Which plugin maps: bound, beside, over, by the rule.

use hubspot_sim::Config;
use partneros_domain::plan::TransformDirection;
use partneros_domain::{ConflictPolicy, FieldMapping, MappingState, RulePlugin};
use partneros_it::TestHost;
use partneros_store::{
    Audit as _, BindingScope, Candidate, EventFilter, MapperParts, Pairs as _, PluginActivity as _,
    Plugins as _, VersionState,
};
use partneros_sync::ShadowReport;
use serde_json::json;

pub fn host() -> TestHost {
    TestHost::start(Config {
        companies: 0,
        deals: 0,
        ..Config::default()
    })
}

pub const NAMES: &[(&str, &str)] = &[("name", "name"), ("domain", "domain")];

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
    let events = host
        .store
        .events(acme.id, &EventFilter::named("plugin."), None, 10)
        .await;
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
    let activation = host.engine.activate(acme.id, pair.id).await.unwrap();
    assert_eq!(activation.not_reversible, proof.examples);
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
