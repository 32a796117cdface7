//! Alerts over the API: opened by how things are, looked after by people, and gone when the trouble is.

use partneros_domain::{AlertKind, PairId};
use partneros_store::{ConnectionStatus, Connections as _, RunTrigger};
use partneros_sync::Environment as _;
use serde_json::{Value as Json, json};

use crate::api::fixture::{Client, TestApi};

const MINUTE_MS: i64 = 60_000;

async fn alerts(client: &Client<'_>, query: &str) -> Vec<Json> {
    let page = client
        .get(&format!("/api/alerts?{query}"))
        .await
        .expect(200);
    page["alerts"].as_array().unwrap().clone()
}

/// The only alert whose trouble goes on.
async fn going_on(client: &Client<'_>) -> Json {
    let mut all = alerts(client, "state=open,acknowledged").await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

async fn act(client: &Client<'_>, alert: &Json, verb: &str) -> Json {
    let path = format!("/api/alerts/{}/{verb}", alert["id"].as_str().unwrap());
    client.post(&path, json!({})).await.expect(200)["alert"].clone()
}

/// Runs the pair once.
async fn run(api: &TestApi, pair: &str) {
    let (organization, pair) = (api.acme().organization, pair.parse::<PairId>().unwrap());
    let run = api
        .state
        .engine
        .run(organization, pair, RunTrigger::Manual, false);
    run.await.unwrap();
}

async fn watch(api: &TestApi) {
    api.state.engine.keep_watch().await.unwrap();
}

#[tokio::test]
async fn a_person_looks_after_an_alert() {
    let api = TestApi::new().await;
    let acme = api.acme();
    api.alert(AlertKind::PluginQuarantined, "abc").await;
    let opened = going_on(&acme).await;
    assert_eq!(
        (&opened["title"], &opened["state"]),
        (&json!("Plugin quarantined"), &json!("open"))
    );
    let acknowledged = act(&acme, &opened, "acknowledge").await;
    assert_eq!(acknowledged["state"], "acknowledged");
    assert_eq!(acknowledged["acknowledgedBy"], "a test's admin");
    assert_eq!(alerts(&acme, "state=open").await, Vec::<Json>::new());
    assert_eq!(going_on(&acme).await, acknowledged);
    let resolved = act(&acme, &opened, "resolve").await;
    assert_eq!(resolved["state"], "resolved");
    let listed = alerts(&acme, "state=resolved").await;
    assert_eq!(listed, std::slice::from_ref(&resolved));
    assert_eq!(alerts(&acme, "").await.len(), 1);
    let path = format!("/api/alerts/{}/acknowledge", opened["id"].as_str().unwrap());
    acme.post(&path, json!({})).await.refused(409, "conflict");
    let events = acme.get("/api/audit-events?type=alert.").await.expect(200);
    let shown: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["type"].as_str().unwrap(), &event["metadata"]))
        .collect();
    assert_eq!(
        shown,
        [
            ("alert.resolved", &resolved),
            ("alert.acknowledged", &acknowledged),
            ("alert.opened", &opened)
        ]
    );
}

#[tokio::test]
async fn a_state_that_does_not_exist_is_named() {
    let api = TestApi::new().await;
    for state in ["closed", "open,", "", "Open"] {
        let answer = api.acme().get(&format!("/api/alerts?state={state}")).await;
        let message = answer.refused(400, "invalid_query");
        assert!(message.contains("`acknowledged`"), "{message}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_alerted_until_hubspot_lets_us_in() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let connection = api.connection().await;
    let set = async |status, message| {
        let now = api.environment.now();
        let set = api.store.set_connection_status(
            acme.organization,
            connection,
            now,
            status,
            message,
            now,
        );
        set.await.unwrap();
        watch(&api).await;
    };
    set(ConnectionStatus::ReauthRequired, Some("HTTP 401")).await;
    let first = going_on(&acme).await;
    assert_eq!(
        (&first["title"], &first["severity"]),
        (&json!("Token revoked"), &json!("critical"))
    );
    assert_eq!(first["subject"], connection.to_string());
    assert!(first["message"].as_str().unwrap().contains("HTTP 401"));
    watch(&api).await;
    assert_eq!(going_on(&acme).await, first, "one alert is enough");
    // Saying that it is over does not make it so.
    act(&acme, &first, "resolve").await;
    watch(&api).await;
    let second = going_on(&acme).await;
    assert_ne!(second["id"], first["id"]);
    set(ConnectionStatus::Active, None).await;
    let resolved = alerts(&acme, "state=resolved").await;
    assert_eq!(resolved[0]["id"], second["id"]);
    assert_eq!(resolved[0]["resolvedBy"], "system");
}

#[tokio::test]
async fn few_calls_are_alerted_until_there_are_enough() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let pair = api.active_pair().await;
    api.portals.open();
    api.portals.leave_calls(99);
    run(&api, &pair).await;
    let low = going_on(&acme).await;
    assert_eq!(
        (&low["title"], &low["severity"]),
        (&json!("Rate limit low"), &json!("warning"))
    );
    let message = low["message"].as_str().unwrap();
    assert!(message.contains("99 of the 1000 calls"), "{message}");
    run(&api, &pair).await;
    assert_eq!(going_on(&acme).await, low);
    api.portals.leave_calls(100);
    run(&api, &pair).await;
    assert_eq!(alerts(&acme, "state=resolved").await[0]["id"], low["id"]);
}

#[tokio::test]
async fn an_alert_about_calls_of_the_day_ends_with_it() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let pair = api.active_pair().await;
    api.portals.open();
    api.portals.leave_calls(0);
    run(&api, &pair).await;
    acme.post(&format!("/api/pairs/{pair}/pause"), json!({}))
        .await
        .expect(200);
    api.environment.wait_ms(24 * 60 * MINUTE_MS);
    watch(&api).await;
    going_on(&acme).await;
    api.environment.wait_ms(1);
    watch(&api).await;
    assert_eq!(alerts(&acme, "state=open").await, Vec::<Json>::new());
}

#[tokio::test]
async fn a_change_that_waits_for_too_long_is_alerted_until_it_does_not() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let pair = api.active_pair().await;
    let path = format!("/api/pairs/{pair}");
    acme.patch(&path, json!({"direction": "partneros_to_hubspot"}))
        .await
        .expect(200);
    acme.make_partner("Waits").await;
    api.environment.wait_ms(15 * MINUTE_MS);
    watch(&api).await;
    assert_eq!(alerts(&acme, "").await, Vec::<Json>::new());
    api.environment.wait_ms(1);
    watch(&api).await;
    let late = going_on(&acme).await;
    assert_eq!(late["title"], "Lag above target");
    assert_eq!(late["subject"], format!("pair {pair}"));
    let message = late["message"].as_str().unwrap();
    assert!(message.contains("has waited for 16 min"), "{message}");
    let acknowledged = act(&acme, &late, "acknowledge").await;
    watch(&api).await;
    assert_eq!(going_on(&acme).await, acknowledged);
    acme.post(&format!("{path}/pause"), json!({}))
        .await
        .expect(200);
    watch(&api).await;
    let resolved = alerts(&acme, "state=resolved").await;
    assert_eq!(resolved[0]["id"], late["id"]);
    assert_eq!(resolved[0]["acknowledgedBy"], "a test's admin");
}

#[tokio::test]
async fn runs_that_fail_for_too_long_are_alerted() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let pair = api.active_pair().await;
    run(&api, &pair).await;
    watch(&api).await;
    assert_eq!(alerts(&acme, "").await, Vec::<Json>::new());
    api.environment.wait_ms(16 * MINUTE_MS);
    run(&api, &pair).await;
    watch(&api).await;
    let late = going_on(&acme).await;
    let message = late["message"].as_str().unwrap();
    assert!(
        message.contains("no run has succeeded for 16 min"),
        "{message}"
    );
    acme.delete(&format!("/api/pairs/{pair}")).await.expect(200);
    watch(&api).await;
    assert_eq!(alerts(&acme, "state=open").await, Vec::<Json>::new());
}

#[tokio::test]
async fn a_quarantined_version_that_is_bound_is_alerted_until_it_is_released() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let version = api.version().await;
    let path = format!("/api/plugins/versions/{version}");
    let bound = json!({"scope": "organization", "parts": [version]});
    acme.post("/api/plugins/bindings", bound).await.expect(200);
    let reason = json!({"reason": "tried"});
    acme.post(&format!("{path}/quarantine"), reason)
        .await
        .expect(200);
    watch(&api).await;
    let alert = going_on(&acme).await;
    assert_eq!(
        (&alert["title"], &alert["severity"]),
        (&json!("Plugin quarantined"), &json!("critical"))
    );
    acme.post(&format!("{path}/release"), json!({}))
        .await
        .expect(200);
    let resolved = alerts(&acme, "state=resolved").await;
    assert_eq!(resolved[0]["resolvedBy"], "a test's admin");
    watch(&api).await;
    assert_eq!(alerts(&acme, "state=open").await, Vec::<Json>::new());
}

#[tokio::test]
async fn drift_that_goes_on_opens_anew() {
    let api = TestApi::new().await;
    let acme = api.acme();
    let pair = api.active_pair().await;
    let shown = acme.get(&format!("/api/pairs/{pair}")).await.expect(200);
    let connection = shown["pair"]["connectionId"].as_str().unwrap();
    let discover = async || {
        let discover = api
            .state
            .engine
            .discover(acme.organization, connection.parse().unwrap());
        discover.await.unwrap();
    };
    // The portal has lost all properties but the name.
    api.portals.open();
    discover().await;
    let first = going_on(&acme).await;
    assert_eq!(
        (&first["title"], &first["severity"]),
        (&json!("Schema drift detected"), &json!("warning"))
    );
    act(&acme, &first, "resolve").await;
    discover().await;
    let second = going_on(&acme).await;
    assert_ne!(second["id"], first["id"]);
    assert_eq!(second["message"], first["message"]);
    let name = json!({"field": "name", "property": "name", "state": "confirmed", "conflictPolicy": "crm_wins"});
    let mappings = format!("/api/pairs/{pair}/mappings");
    let version = &acme.get(&mappings).await.expect(200)["version"];
    let sound = json!({"version": version, "mappings": [name]});
    acme.put(&mappings, sound).await.expect(200);
    discover().await;
    assert_eq!(alerts(&acme, "state=open").await, Vec::<Json>::new());
    discover().await;
    assert_eq!(alerts(&acme, "").await.len(), 2);
}
