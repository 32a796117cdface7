//! How connections begin and end: the same portal again, another one, a private app's token, and what HubSpot is told.

use axum::http::Method;
use partneros_domain::{ConnectionId, Role};
use partneros_store::{Connections as _, TokenSet};
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};

use crate::api::fixture::{Answer, TestApi};

const CONNECT: &str = "/api/integrations/hubspot/connect";
const PRIVATE_APP: &str = "/api/integrations/hubspot/private-app";

/// Begins a flow with this choice and comes back with this code.
async fn consents(api: &TestApi, choice: Json, code: &str) -> Answer {
    let begun = api.acme().post(CONNECT, choice).await.expect(200);
    let url: url::Url = begun["authorizeUrl"].as_str().unwrap().parse().unwrap();
    let query = format!("code={code}&{}", url.query().unwrap());
    let path = format!("/api/integrations/hubspot/callback?{query}");
    let json = [("accept", "application/json")];
    api.anyone().send(Method::GET, &path, &json, None).await
}

async fn integrations(api: &TestApi) -> Vec<Json> {
    let list = api.acme().get("/api/integrations").await.expect(200);
    list["integrations"].as_array().unwrap().clone()
}

async fn connection_of(api: &TestApi, pair: &str) -> String {
    let shown = api.acme().get(&format!("/api/pairs/{pair}")).await;
    let shown = shown.expect(200);
    shown["pair"]["connectionId"].as_str().unwrap().to_owned()
}

/// Acme connects with this token.
async fn shows(api: &TestApi, token: &str) -> Answer {
    api.acme().post(PRIVATE_APP, json!({"token": token})).await
}

/// The newest event whose type begins so.
async fn event(api: &TestApi, prefix: &str) -> Json {
    let path = format!("/api/audit-events?type={prefix}");
    let events = api.acme().get(&path).await.expect(200);
    events["events"][0].clone()
}

async fn tokens(api: &TestApi, id: &str) -> Option<TokenSet> {
    let id: ConnectionId = id.parse().unwrap();
    let organization = api.acme().organization;
    api.store.connection_tokens(organization, id).await.ok()
}

/// Puts this refresh token in place of the connection's.
async fn refreshes_with(api: &TestApi, id: &str, refresh: &str) {
    let stored = tokens(api, id).await.unwrap();
    let generation = stored.generation;
    let changed = TokenSet {
        refresh: Some(refresh.to_owned().into()),
        ..stored
    };
    let organization = api.acme().organization;
    let id = id.parse().unwrap();
    let replaced = api
        .store
        .replace_tokens(organization, id, generation, &changed);
    assert!(replaced.await.unwrap());
}

#[tokio::test]
async fn another_portal_is_refused_with_what_to_do() {
    let api = TestApi::new().await;
    let id = connection_of(&api, &api.active_pair().await).await;
    let message = consents(&api, json!({}), "elsewhere")
        .await
        .refused(409, "other_portal");
    for part in ["`4712`", "`4711`", &id, "`insteadOf`", "`beside`"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    // Also after the portal was disconnected: its pairs wait for it.
    api.acme()
        .delete(&format!("/api/integrations/{id}"))
        .await
        .expect(200);
    shows(&api, "pat-elsewhere")
        .await
        .refused(409, "other_portal");
    assert_eq!(integrations(&api).await.len(), 1);
}

#[tokio::test]
async fn another_portal_stands_beside_if_that_is_asked_for() {
    let api = TestApi::new().await;
    let pair = api.active_pair().await;
    let first = connection_of(&api, &pair).await;
    let answer = consents(&api, json!({"beside": true}), "elsewhere").await;
    let second = answer.expect(200)["integration"].clone();
    assert_eq!(second["portalId"], 4_712);
    assert_eq!(integrations(&api).await.len(), 2);
    assert_eq!(connection_of(&api, &pair).await, first);
    let shown = api.acme().get(&format!("/api/pairs/{pair}")).await;
    assert_eq!(shown.expect(200)["pair"]["state"], "active");
}

#[tokio::test]
async fn another_portal_takes_the_place_if_that_is_asked_for() {
    let api = TestApi::new().await;
    api.portals.open();
    let pair = api.active_pair().await;
    let left = connection_of(&api, &pair).await;
    let mappings = format!("/api/pairs/{pair}/mappings");
    let before = api.acme().get(&mappings).await.expect(200);
    let answer = consents(&api, json!({"insteadOf": left}), "elsewhere").await;
    let integration = answer.expect(200)["integration"].clone();
    let id = integration["id"].as_str().unwrap().to_owned();
    assert_eq!(connection_of(&api, &pair).await, id);
    let shown = api.acme().get(&format!("/api/pairs/{pair}")).await;
    assert_eq!(shown.expect(200)["pair"]["state"], "paused");
    assert_eq!(api.acme().get(&mappings).await.expect(200), before);
    let told = event(&api, "connection.connected").await;
    assert_eq!(told["subject"], id);
    assert_eq!(
        told["metadata"],
        json!({"portalId": 4_712, "access": "oauth", "insteadOf": left, "movedPairs": [pair]})
    );
    let ended = event(&api, "connection.disconnected").await;
    assert_eq!(ended["subject"], left);
    assert_eq!(ended["metadata"]["refreshTokenRevoked"], true);
    assert!(tokens(&api, &left).await.is_none());
    // What is mapped is held against the new portal's schema before anything moves.
    api.state.jobs.finish().await;
    let problems = api
        .acme()
        .post(&format!("/api/pairs/{pair}/activate"), json!({}))
        .await;
    problems.refused(400, "invalid_mappings");
}

#[tokio::test]
async fn a_choice_names_a_connection_of_the_organizations_own() {
    let api = TestApi::new().await;
    let id = api.connection().await.to_string();
    let both = json!({"insteadOf": id, "beside": true});
    let message = api
        .acme()
        .post(CONNECT, both)
        .await
        .refused(400, "invalid_body");
    assert!(message.contains("`insteadOf` and `beside`"), "{message}");
    let theirs = json!({"insteadOf": id});
    let answer = api.other().post(CONNECT, theirs).await;
    answer.refused(404, "not_found");
    let theirs = json!({"token": "pat-elsewhere", "insteadOf": id});
    let answer = api.other().post(PRIVATE_APP, theirs).await;
    answer.refused(404, "not_found");
}

#[tokio::test]
async fn a_private_apps_token_connects_its_portal() {
    let mut api = TestApi::new().await;
    // No app of the host's is needed.
    api.serve(|state| state.connect = None);
    api.portals.open();
    let answer = shows(&api, "pat-good").await;
    assert!(!answer.json.to_string().contains("pat-good"));
    let integration = answer.expect(200)["integration"].clone();
    assert_eq!(integration["portalId"], 4_711);
    assert_eq!(integration["access"], "private_app");
    assert_eq!(integration["status"], "active");
    let id = integration["id"].as_str().unwrap();
    let stored = tokens(&api, id).await.unwrap();
    assert_eq!(stored.access.expose_secret(), "pat-good");
    assert!(stored.refresh.is_none() && stored.access_expires_at.is_none());
    api.state.jobs.finish().await;
    let found = &integrations(&api).await[0]["schemaStats"];
    assert_eq!(*found, json!({"objects": 2, "fields": 2}));
    assert_eq!(
        event(&api, "connection.").await["metadata"],
        json!({"portalId": 4_711, "access": "private_app"})
    );
}

#[tokio::test]
async fn a_token_is_stored_only_once_hubspot_took_it() {
    let api = TestApi::new().await;
    let long = "x".repeat(1_025);
    let cases = [
        ("pat-unknown", 400, "token_refused"),
        ("pat-late", 503, "hubspot_unavailable"),
        ("", 400, "invalid_token"),
        ("pat good", 400, "invalid_token"),
        ("pat-göod", 400, "invalid_token"),
        (long.as_str(), 400, "invalid_token"),
    ];
    for (token, status, code) in cases {
        let message = shows(&api, token).await.refused(status, code);
        assert!(token.is_empty() || !message.contains(token), "{message}");
    }
    assert_eq!(integrations(&api).await, [Json::Null; 0]);
    let member = api.with_role(Role::Member).await;
    let answer = member.post(PRIVATE_APP, json!({"token": "pat-good"})).await;
    answer.refused(403, "forbidden");
    api.connection().await;
    let other = api.other();
    let answer = other.post(PRIVATE_APP, json!({"token": "pat-good"})).await;
    answer.refused(409, "portal_taken");
}

#[tokio::test]
async fn what_gets_a_connection_in_may_change() {
    let api = TestApi::new().await;
    let pair = api.active_pair().await;
    let id = connection_of(&api, &pair).await;
    let answer = shows(&api, "pat-good").await;
    let integration = answer.expect(200)["integration"].clone();
    assert_eq!(integration["id"], id);
    assert_eq!(integration["access"], "private_app");
    let back = consents(&api, json!({}), "good").await.expect(200);
    assert_eq!(back["integration"]["id"], id);
    assert_eq!(back["integration"]["access"], "oauth");
    let shown = api.acme().get(&format!("/api/pairs/{pair}")).await;
    assert_eq!(shown.expect(200)["pair"]["state"], "active");
}

#[tokio::test]
async fn a_private_apps_token_that_is_refused_needs_another() {
    let api = TestApi::new().await;
    api.portals.open();
    let made = shows(&api, "pat-good").await.expect(200);
    let id = made["integration"]["id"].as_str().unwrap().to_owned();
    api.state.jobs.finish().await;
    api.portals.refuse();
    let path = format!("/api/integrations/{id}/schema/refresh");
    let answer = api.acme().post(&path, json!({})).await;
    answer.refused(409, "reauth_required");
    assert_eq!(integrations(&api).await[0]["status"], "reauth_required");
    let open = api.acme().get("/api/alerts?state=open").await.expect(200);
    let alert = &open["alerts"][0];
    assert_eq!(alert["kind"], "token.revoked");
    assert_eq!(alert["severity"], "critical");
    assert_eq!(alert["subject"], id);
}

#[tokio::test]
async fn the_tokens_go_and_the_pairs_stay() {
    let api = TestApi::new().await;
    let pair = api.pair().await;
    let id = connection_of(&api, &pair).await;
    let path = format!("/api/integrations/{id}");
    let gone = json!({"refreshTokenRevoked": true, "appUninstalled": null, "message": null});
    assert_eq!(
        api.acme().delete(&path).await.expect(200),
        json!({"success": true, "hubspot": gone})
    );
    let told = event(&api, "connection.disconnected").await;
    assert_eq!(told["metadata"], gone);
    let status = api.acme().get(&format!("{path}/status")).await.expect(200);
    assert_eq!(status["status"], "disconnected");
    assert!(tokens(&api, &id).await.is_none());
    api.acme()
        .get(&format!("/api/pairs/{pair}"))
        .await
        .expect(200);
    assert_eq!(api.portals.forgotten(), [id.parse().unwrap()]);
    let again = api.acme().delete(&path).await.expect(200);
    assert_eq!(again["hubspot"]["refreshTokenRevoked"], Json::Null);
}

#[tokio::test]
async fn the_app_is_removed_if_that_is_asked_for() {
    let api = TestApi::new().await;
    let path = format!("/api/integrations/{}", api.connection().await);
    let answer = api
        .acme()
        .delete(&format!("{path}?uninstall=perhaps"))
        .await;
    answer.refused(400, "invalid_query");
    let answer = api.acme().delete(&format!("{path}?uninstall=true")).await;
    let hubspot = answer.expect(200)["hubspot"].clone();
    assert_eq!(hubspot["refreshTokenRevoked"], true);
    assert_eq!(hubspot["appUninstalled"], true);
}

#[tokio::test]
async fn tokens_go_also_where_hubspot_does_not_take_them_back() {
    let mut api = TestApi::new().await;
    let id = api.connection().await.to_string();
    refreshes_with(&api, &id, "stays").await;
    let path = format!("/api/integrations/{id}");
    let answer = api.acme().delete(&path).await.expect(200);
    assert_eq!(answer["hubspot"]["refreshTokenRevoked"], false);
    let message = answer["hubspot"]["message"].as_str().unwrap();
    for part in ["HTTP 502", "Connected Apps"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(tokens(&api, &id).await.is_none());
    let told = event(&api, "connection.disconnected").await;
    assert_eq!(told["metadata"], answer["hubspot"]);

    // Nobody is there to tell HubSpot.
    consents(&api, json!({}), "good").await.expect(200);
    api.serve(|state| state.connect = None);
    let path = format!("{path}?uninstall=true");
    let answer = api.acme().delete(&path).await.expect(200);
    assert_eq!(answer["hubspot"]["refreshTokenRevoked"], false);
    assert_eq!(answer["hubspot"]["appUninstalled"], false);
    assert!(tokens(&api, &id).await.is_none());
}
