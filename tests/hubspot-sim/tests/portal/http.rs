//! The portal over HTTP, as a client sees it.

use hubspot_sim::{ArmedFault, Config, Consent, Fault, Limits, RefreshMode, Server, Tier};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{ALL_SCOPES, NOW};

struct Client {
    server: Server,
    http: reqwest::Client,
    token: String,
}

impl Client {
    fn new(config: Config) -> Self {
        let server = Server::start_at(config, NOW).expect("the server starts");
        let token = server.sim().install(ALL_SCOPES, NOW).access_token;
        // Another test of this process may have installed the provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("the client builds");
        Self {
            server,
            http,
            token,
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Response {
        let url = format!("{}{path}", self.server.url());
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.expect("the server answers")
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let response = self.send(Method::POST, path, Some(body)).await;
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.send(Method::GET, path, None).await;
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}{path}", self.server.url());
        let response = self
            .http
            .post(url)
            .form(fields)
            .send()
            .await
            .expect("the server answers");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }
}

#[tokio::test]
async fn every_version_serves_the_same_record() {
    let client = Client::new(Config::default());
    let created = client
        .server
        .sim()
        .person_creates("companies", [("name", "Acme")], NOW)
        .unwrap();
    for base in [
        "/crm/v3/objects",
        "/crm/objects/2026-03",
        "/crm/objects/2026-09",
    ] {
        let (status, body) = client
            .get(&format!(
                "{base}/companies/{}?properties=name,phone",
                created.id
            ))
            .await;
        assert_eq!(status, 200);
        assert_eq!(body["properties"]["name"], "Acme");
        assert_eq!(body["properties"]["phone"], Value::Null);
        assert_eq!(body["updatedAt"], body["properties"]["hs_lastmodifieddate"]);
        assert_eq!(body["archived"], false);
    }
}

#[tokio::test]
async fn search_pages_through_seeded_companies_in_order_of_modification() {
    let client = Client::new(Config {
        companies: 450,
        ..Config::default()
    });
    let (mut seen, mut after, mut last) = (0, None::<String>, String::new());
    loop {
        let body = json!({
            "filterGroups": [{ "filters": [{ "propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "0" }] }],
            "sorts": [{ "propertyName": "hs_lastmodifieddate", "direction": "ASCENDING" }],
            "properties": ["name", "domain", "no_such_property"],
            "limit": 200,
            "after": after,
        });
        let (status, page) = client.post("/crm/v3/objects/companies/search", body).await;
        assert_eq!((status, &page["total"]), (200, &json!(450)));
        for row in page["results"].as_array().unwrap() {
            let modified = row["updatedAt"].as_str().unwrap().to_owned();
            assert!(modified >= last);
            assert!(row["properties"].get("no_such_property").is_none());
            last = modified;
            seen += 1;
        }
        after = page["paging"]["next"]["after"].as_str().map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, 450);
}

#[tokio::test]
async fn consent_code_refresh_and_uninstall_follow_the_life_of_a_token() {
    for mode in [RefreshMode::Same, RefreshMode::Rotate, RefreshMode::Missing] {
        let client = Client::new(Config {
            refresh: mode,
            tier: Tier::Starter,
            ..Config::default()
        });
        let redirect = "http://localhost/callback";
        let authorize = "/oauth/authorize?client_id=sim-client-id&redirect_uri=http%3A%2F%2Flocalhost%2Fcallback\
             &scope=crm.objects.deals.read&optional_scope=crm.objects.custom.read%20crm.objects.companies.read&state=s1";
        let consent = client.send(Method::GET, authorize, None).await;
        let location = consent.headers()["location"].to_str().unwrap().to_owned();
        let target: reqwest::Url = location.parse().unwrap();
        let code = target
            .query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap()
            .1
            .into_owned();
        assert!(location.ends_with("&state=s1"));
        let app = [
            ("client_id", "sim-client-id"),
            ("client_secret", "sim-client-secret"),
        ];
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", redirect),
        ];
        let exchange: Vec<_> = app.iter().chain(&fields).copied().collect();
        let (status, token) = client.form("/oauth/2026-03/token", &exchange).await;
        assert_eq!((status, &token["expires_in"]), (200, &json!(1800)));
        assert_eq!(
            token["scopes"],
            json!([
                "crm.objects.companies.read",
                "crm.objects.deals.read",
                "oauth"
            ])
        );
        let (status, again) = client.form("/oauth/2026-03/token", &exchange).await;
        assert_eq!(
            (status, again["status"].as_str()),
            (400, Some("BAD_AUTH_CODE"))
        );

        let first = token["refresh_token"].as_str().unwrap().to_owned();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &first)];
        let refresh: Vec<_> = app.iter().chain(&fields).copied().collect();
        let (status, refreshed) = client.form("/oauth/v3/token", &refresh).await;
        assert_eq!(status, 200);
        match mode {
            RefreshMode::Same => assert_eq!(refreshed["refresh_token"], json!(first)),
            RefreshMode::Missing => assert!(refreshed.get("refresh_token").is_none()),
            RefreshMode::Rotate => {
                assert_ne!(refreshed["refresh_token"], json!(first));
                assert_eq!(client.form("/oauth/v3/token", &refresh).await.0, 400);
            }
        }
        let uninstalled = client
            .send(Method::DELETE, "/appinstalls/v3/external-install", None)
            .await;
        assert_eq!(uninstalled.status(), 204);
        let (status, error) = client.form("/oauth/2026-09/token", &refresh).await;
        assert_eq!(
            (status, error["error"].as_str()),
            (400, Some("invalid_grant"))
        );
        assert_eq!(error["status"], "BAD_REFRESH_TOKEN");
        assert_eq!(client.get("/crm/v3/objects/deals").await.0, 401);
    }
}

#[tokio::test]
async fn an_expired_token_says_so_and_a_narrow_one_names_what_it_lacks() {
    let mut client = Client::new(Config::default());
    client.server.clock().advance(1_800_000);
    let (status, body) = client.get("/crm/v3/objects/deals").await;
    assert_eq!(
        (status, body["category"].as_str()),
        (401, Some("EXPIRED_AUTHENTICATION"))
    );
    assert_eq!(
        body["message"],
        "The OAuth token used to make this call expired 0 second(s) ago."
    );
    let now = client.server.now();
    client.token = client.server.sim().install(&["oauth"], now).access_token;
    let (status, body) = client.get("/crm/v3/objects/deals").await;
    assert_eq!(
        (status, body["category"].as_str()),
        (403, Some("MISSING_SCOPES"))
    );
    assert_eq!(
        body["errors"][0]["context"]["requiredGranularScopes"],
        json!(["crm.objects.deals.read"])
    );
}

#[tokio::test]
async fn budgets_refuse_with_hubspots_bodies_and_headers() {
    let client = Client::new(Config {
        limits: Limits::MARKETPLACE,
        ..Config::default()
    });
    for _ in 0..5 {
        let response = client
            .send(
                Method::POST,
                "/crm/v3/objects/deals/search",
                Some(json!({})),
            )
            .await;
        assert_eq!(response.status(), 200);
        assert!(!response.headers().contains_key("x-hubspot-ratelimit-max"));
    }
    let refused = client
        .send(
            Method::POST,
            "/crm/v3/objects/deals/search",
            Some(json!({})),
        )
        .await;
    assert_eq!(refused.status(), 429);
    assert!(!refused.headers().contains_key("retry-after"));
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["message"], "You have reached your secondly limit.");
    assert_eq!(body["category"], "RATE_LIMITS");
    let read = client
        .send(Method::GET, "/crm/v3/objects/deals", None)
        .await;
    assert_eq!(read.headers()["x-hubspot-ratelimit-max"], "110");
    assert_eq!(read.headers()["x-hubspot-ratelimit-remaining"], "109");
    assert!(read.headers().contains_key("x-hubspot-correlation-id"));
}

#[tokio::test]
async fn faults_strike_before_or_after_the_call_is_applied() {
    let client = Client::new(Config::default());
    let arm = |fault| {
        client.server.sim().arm_fault(ArmedFault {
            path: "/objects/".into(),
            skip: 0,
            times: 1,
            fault,
        });
    };
    let create = json!({ "properties": { "name": "Acme" } });
    let url = format!("{}/crm/v3/objects/companies", client.server.url());
    let send = || {
        client
            .http
            .post(&url)
            .bearer_auth(&client.token)
            .json(&create)
            .send()
    };

    arm(Fault::BadGateway);
    let page = send().await.unwrap();
    assert_eq!(page.status(), 502);
    assert!(page.text().await.unwrap().starts_with("<html>"));
    arm(Fault::Migrating { retry_after_s: 60 });
    let moving = send().await.unwrap();
    assert_eq!(
        (
            moving.status().as_u16(),
            moving.headers()["retry-after"].to_str().unwrap()
        ),
        (477, "60")
    );
    assert_eq!(client.server.sim().live_ids("companies").unwrap().len(), 0);

    arm(Fault::CutOffBody);
    assert!(send().await.unwrap().bytes().await.is_err());
    arm(Fault::LostResponse);
    let lost = match send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(lost);
    assert_eq!(client.server.sim().writes.of("companies").creates, 2);
}

#[tokio::test]
async fn people_and_clocks_are_reachable_over_http() {
    let client = Client::new(Config::default());
    let (status, made) = client
        .post(
            "/__sim/objects/companies",
            json!({ "properties": { "name": "A" } }),
        )
        .await;
    assert_eq!(status, 201);
    let path = format!("/__sim/objects/companies/{}", made["id"].as_str().unwrap());
    assert_eq!(
        client
            .post("/__sim/clock/advance", json!({ "ms": 5_000 }))
            .await
            .0,
        200
    );
    let changed = client
        .send(
            Method::PATCH,
            &path,
            Some(json!({ "properties": { "name": "B" } })),
        )
        .await;
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(changed["updatedAt"], json!(NOW.plus_millis(5_000)));
    assert_eq!(client.get("/__sim/writes").await.1["total"], 0);
    assert_eq!(client.send(Method::DELETE, &path, None).await.status(), 200);
    assert_eq!(
        client
            .get("/crm/v3/objects/companies?archived=true")
            .await
            .1["results"][0]["id"],
        made["id"]
    );
    assert_eq!(
        client
            .send(Method::POST, &format!("{path}/restore"), None)
            .await
            .status(),
        200
    );
    let fault = json!({ "path": "/owners", "fault": { "kind": "locked" } });
    assert_eq!(client.post("/__sim/faults", fault).await.0, 200);
    assert_eq!(client.get("/crm/v3/owners").await.0, 423);
    assert_eq!(client.get("/crm/v3/owners").await.0, 200);
}

#[tokio::test]
async fn tokens_are_described_and_revoked() {
    let client = Client::new(Config::default());
    let refresh = client
        .server
        .sim()
        .install(&["oauth"], NOW)
        .refresh_token
        .unwrap();
    let fields = [
        ("client_id", "sim-client-id"),
        ("client_secret", "sim-client-secret"),
        ("token", refresh.as_str()),
    ];
    let (status, token) = client
        .form("/oauth/2026-03/token/introspect", &fields)
        .await;
    assert_eq!(
        (status, &token["active"], &token["token_use"]),
        (200, &json!(true), &json!("refresh_token"))
    );
    assert_eq!(token["hub_id"], json!(client.server.sim().config.hub_id));
    let (_, older) = client
        .get(&format!("/oauth/v1/access-tokens/{}", client.token))
        .await;
    assert_eq!(older["expires_in"], 1_800);
    assert_eq!(
        client.form("/oauth/2026-03/token/revoke", &fields).await.0,
        200
    );
    let (status, token) = client
        .form("/oauth/2026-03/token/introspect", &fields)
        .await;
    assert_eq!((status, token), (200, json!({ "active": false })));
    let wrong = [("client_id", "sim-client-id"), ("client_secret", "no")];
    let (status, error) = client.form("/oauth/2026-03/token", &wrong).await;
    assert_eq!(
        (status, error["status"].as_str()),
        (400, Some("BAD_CLIENT_SECRET"))
    );
    let older = "/oauth/v1/token?grant_type=refresh_token&client_id=sim-client-id&client_secret=sim-client-secret";
    let (status, error) = client.form(older, &[("refresh_token", &refresh)]).await;
    assert_eq!(
        (status, error["status"].as_str()),
        (400, Some("BAD_REFRESH_TOKEN"))
    );
    assert!(error.get("error").is_none());
}

#[tokio::test]
async fn a_declined_consent_and_a_scope_beyond_the_tier_end_without_a_code() {
    let config = Config {
        consent: Consent::Deny,
        tier: Tier::Free,
        ..Config::default()
    };
    let client = Client::new(config);
    let page = "/oauth/authorize?client_id=sim-client-id&redirect_uri=http%3A%2F%2Flocalhost%2Fcallback&state=s";
    let declined = client.send(Method::GET, page, None).await;
    let location = declined.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("http://localhost/callback?error=access_denied&"));
    assert!(location.ends_with("&state=s"));
    let refused = client
        .send(
            Method::GET,
            &format!("{page}&scope=crm.objects.custom.read"),
            None,
        )
        .await;
    assert_eq!(refused.status(), 400);
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains("doesn't have access to some HubSpot features")
    );
}

#[tokio::test]
async fn bodies_addresses_and_paths_that_make_no_sense_are_refused() {
    let client = Client::new(Config::default());
    let url = format!("{}/crm/v3/objects/companies/search", client.server.url());
    for body in [
        "{",
        "3",
        r#"{"filterGroups": 1}"#,
        r#"{"filters":[{"propertyName":"name","operator":"LIKE"}]}"#,
    ] {
        let response = client
            .http
            .post(&url)
            .bearer_auth(&client.token)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 400, "{body}");
        let error: Value = response.json().await.unwrap();
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .starts_with("Invalid input JSON on line 1")
        );
    }
    let long = format!(
        "/crm/v3/objects/companies?properties={}",
        "name,".repeat(2_000)
    );
    let response = client.send(Method::GET, &long, None).await;
    assert_eq!(response.status(), 414);
    assert!(response.text().await.unwrap().starts_with("<html>"));
    let unknown = client
        .send(Method::GET, "/crm/v9/objects/companies", None)
        .await;
    assert_eq!(unknown.status(), 404);
    assert_eq!(unknown.headers()["x-hubspot-notfound"], "true");
    let anonymous = client.http.get(&url).send().await.unwrap();
    assert!(anonymous.status().is_client_error());
    let search = client.http.post(&url).body("{}").send().await.unwrap();
    assert_eq!(search.status(), 401);
    let error: Value = search.json().await.unwrap();
    assert_eq!(error["category"], "INVALID_AUTHENTICATION");
}

#[tokio::test]
async fn associations_are_written_and_read_in_batches() {
    let client = Client::new(Config {
        companies: 1,
        deals: 0,
        ..Config::default()
    });
    let company = client.server.sim().live_ids("companies").unwrap()[0].to_string();
    let new = json!({
        "properties": { "dealname": "D", "dealstage": "closedwon" },
        "associations": [{ "to": { "id": company }, "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5 }] }],
    });
    let (status, deal) = client.post("/crm/v3/objects/deals", new).await;
    assert_eq!(status, 201);
    let id = deal["id"].as_str().unwrap();
    let read = json!({ "inputs": [{ "id": id }, { "id": "77" }] });
    let (status, reply) = client
        .post("/crm/v4/associations/deals/companies/batch/read", read)
        .await;
    assert_eq!((status, reply["numErrors"].as_i64()), (207, Some(1)));
    assert_eq!(
        reply["errors"][0]["subCategory"],
        "crm.associations.INVALID_IDENTIFIER"
    );
    let types: Vec<&Value> = reply["results"][0]["to"][0]["associationTypes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| &kind["typeId"])
        .collect();
    assert_eq!(types, [&json!(341), &json!(5)]);
    let (_, with) = client
        .get(&format!(
            "/crm/v3/objects/deals/{id}?associations=companies"
        ))
        .await;
    assert_eq!(
        with["associations"]["companies"]["results"][0],
        json!({ "id": company, "type": "deal_to_company" })
    );
    let part = json!({ "inputs": [{ "from": { "id": id }, "to": [{ "id": company }] }] });
    assert_eq!(
        client
            .post(
                "/crm/associations/2026-09/deals/companies/batch/archive",
                part
            )
            .await
            .0,
        204
    );
    let (_, left) = client
        .get(&format!(
            "/crm/v4/objects/deals/{id}/associations/companies"
        ))
        .await;
    assert_eq!(left["results"], json!([]));
}
