//! The portal's schema changes under a live mapping.

use hubspot_sim::Config;
use partneros_domain::{FieldName, MappingState};
use partneros_it::TestHost;
use partneros_store::{AlertState, Alerts as _, Audit as _, EventFilter};
use serde_json::{Value as Json, json};

#[tokio::test]
async fn a_deleted_property_parks_its_field_and_blanks_nothing() {
    let host = TestHost::start(Config {
        companies: 3,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let id = host.sim.sim().live_ids("companies").unwrap()[0];
    host.person_sets("companies", id, &[("city", "Bern")]);
    pair.sync().await;
    let record = pair.record_of(id).await;

    let now = host.now();
    host.sim
        .sim()
        .person_removes_property("companies", "city", now)
        .unwrap();
    host.person_sets("companies", id, &[("phone", "+41 31 000 00 00")]);
    pair.sync().await;
    assert_eq!(acme.value("partners", record, "city").await, json!("Bern"));
    assert_eq!(
        acme.value("partners", record, "phone").await,
        json!("+41 31 000 00 00")
    );
    let failures = pair.failures().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].failure.code, "property_missing");
    assert_eq!(
        failures[0].failure.field.as_ref().map(FieldName::as_str),
        Some("city")
    );
    let alerts = host
        .store
        .alerts(acme.id, &AlertState::UNRESOLVED, None, 10)
        .await
        .unwrap();
    let alert = &alerts.items[0];
    assert_eq!(
        (alert.kind.name(), alerts.items.len()),
        ("schema.drift_detected", 1)
    );
    assert!(
        alert
            .message
            .contains("property `city`, mapped to `city`, is gone"),
        "{}",
        alert.message
    );
    let events = host
        .store
        .events(acme.id, &EventFilter::named("schema.drift"), None, 10)
        .await
        .unwrap()
        .items;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].metadata["drift"]["removed"], json!(["city"]));
    assert_eq!(events[0].metadata["affected"][0]["pairId"], json!(pair.id));

    acme.edits(
        "partners",
        record,
        json!({ "city": "Graz", "phone": "+43 316 000" }),
    )
    .await;
    pair.sync().await;
    assert_eq!(
        host.hubspot_value("companies", id, "phone").as_deref(),
        Some("+43 316 000")
    );
    // It is answered once no mapping needs what is gone.
    let discover = async || {
        host.engine
            .discover(acme.id, acme.connection)
            .await
            .unwrap()
    };
    let open = async || {
        host.store
            .alerts(acme.id, &AlertState::UNRESOLVED, None, 10)
            .await
            .unwrap()
            .items
            .len()
    };
    discover().await;
    assert_eq!(open().await, 1);
    pair.map("city", |mapping| {
        mapping.property = None;
        mapping.state = MappingState::Ignored;
    })
    .await;
    discover().await;
    assert_eq!(open().await, 0);
}

#[tokio::test]
async fn a_removed_option_tells_which_records_hold_it() {
    let host = TestHost::start(Config::default());
    let company = |name: &str, industry: &str| {
        host.person_creates("companies", &[("name", name), ("industry", industry)])
    };
    let kept = company("Kept", "BANKING");
    let held = [
        company("First", "COMPUTER_SOFTWARE"),
        company("Second", "COMPUTER_SOFTWARE"),
    ];
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let mut ids = Vec::new();
    for id in held {
        ids.push(pair.record_of(id).await);
    }
    let removed = async || {
        let removed = host.engine.removed_options(acme.id, pair.id, "industry");
        removed.await.unwrap()
    };
    assert_eq!(removed().await, []);

    let now = host.now();
    let options = [("BANKING", "Banking"), ("RETAIL", "Retail")];
    host.sim
        .sim()
        .person_sets_options("companies", "industry", &options, now)
        .unwrap();
    host.engine
        .discover(acme.id, acme.connection)
        .await
        .unwrap();
    let page = host
        .store
        .events(acme.id, &EventFilter::named("schema.drift"), None, 10)
        .await
        .unwrap();
    let affected = &page.items[0].metadata["affected"];
    let expected = json!([{
        "property": "industry", "value": "COMPUTER_SOFTWARE", "recordCount": 2, "recordIds": ids,
    }]);
    assert_eq!(affected[0]["removedOptions"], expected, "{affected}");
    assert_eq!(json!(removed().await), expected);
    let alerts = host
        .store
        .alerts(acme.id, &AlertState::UNRESOLVED, None, 10)
        .await
        .unwrap();
    let message = &alerts.items[0].message;
    assert!(message.contains("(2 records hold it)"), "{message}");

    // Whoever gets another value is not listed any more.
    host.person_sets("companies", held[0], &[("industry", "RETAIL")]);
    pair.sync().await;
    let left = removed().await;
    assert_eq!((left.len(), left[0].record_count), (1, 1));
    assert_eq!(left[0].record_ids, ids[1..]);
    assert_ne!(pair.record_of(kept).await, ids[1]);
}

#[tokio::test]
async fn a_schema_is_read_again_after_a_while() {
    let host = TestHost::start(Config {
        companies: 1,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    let refreshes = async || {
        let page = host
            .store
            .events(acme.id, &EventFilter::named("schema.refreshed"), None, 10)
            .await;
        page.unwrap().items.len()
    };
    let before = refreshes().await;
    pair.sync().await;
    assert_eq!(refreshes().await, before);
    host.wait_ms(7 * 3_600_000);
    pair.sync().await;
    assert_eq!(refreshes().await, before + 1);
}

#[tokio::test]
async fn a_re_pointed_mapping_overwrites_nothing_silently() {
    let host = TestHost::start(Config::default());
    let id = host.person_creates(
        "companies",
        &[("name", "Globex"), ("city", "Bern"), ("state", "BE")],
    );
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.map("state", |mapping| {
        mapping.property = None;
        mapping.state = MappingState::Ignored;
    })
    .await;
    pair.sync().await;
    let record = pair.record_of(id).await;
    pair.map("city", |mapping| mapping.property = Some("state".into()))
        .await;
    let run = pair.sync().await;
    assert_eq!(run.counts.conflicts, 1);
    let conflict = &pair.conflicts().await[0].conflict;
    assert_eq!(conflict.partneros_value, json!("Bern"));
    assert_eq!(conflict.hubspot_value.as_deref(), Some("BE"));
    let kept = acme.value("partners", record, "city").await;
    assert_eq!(
        host.hubspot_value("companies", id, "state").map(Json::from),
        Some(kept)
    );
}
