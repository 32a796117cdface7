//! The webhooks journal over HTTP.

use hubspot_sim::{ArmedFault, Config, Fault, Server};
use serde_json::{Value, json};

use crate::{ALL_SCOPES, NOW};

const JOURNAL: &str = "/webhooks-journal/journal/2026-03";
const SUBSCRIPTIONS: &str = "/webhooks-journal/subscriptions/2026-03";
const SCOPES: &str = "developer.webhooks_journal.read developer.webhooks_journal.subscriptions.read \
                      developer.webhooks_journal.subscriptions.write";

/// An app that talks to the portal's journal.
struct App {
    server: Server,
    http: reqwest::Client,
    token: String,
}

impl App {
    async fn with_scopes(scopes: &str) -> Self {
        let server = Server::start_at(Config::default(), NOW).expect("the server starts");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut app = Self {
            server,
            http: reqwest::Client::new(),
            token: String::new(),
        };
        let granted = app.grant("sim-client-secret", scopes).await.1;
        let token = granted["access_token"].as_str().expect("a token");
        token.clone_into(&mut app.token);
        app
    }

    async fn subscribed(actions: &[&str]) -> Self {
        let app = Self::with_scopes(SCOPES).await;
        let subscribed = app.subscribe("0-2", actions).await;
        assert_eq!(subscribed.0, 200);
        app
    }

    async fn subscribe(&self, object_type: &str, actions: &[&str]) -> (u16, Value) {
        let body = json!({
            "subscriptionType": "OBJECT", "portalId": self.portal(), "objectTypeId": object_type,
            "actions": actions, "objectIds": [], "properties": [],
        });
        let url = format!("{}{SUBSCRIPTIONS}", self.server.url());
        answer(self.http.post(url).bearer_auth(&self.token).json(&body)).await
    }

    async fn grant(&self, secret: &str, scopes: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "sim-client-id"),
            ("client_secret", secret),
            ("scope", scopes),
        ];
        let url = format!("{}/oauth/2026-03/token", self.server.url());
        answer(self.http.post(url).form(&form)).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.server.url());
        answer(self.http.get(url).bearer_auth(&self.token)).await
    }

    async fn delete(&self, path: &str) -> u16 {
        let url = format!("{}{path}", self.server.url());
        answer(self.http.delete(url).bearer_auth(&self.token))
            .await
            .0
    }

    /// The file that an entry points to.
    async fn file(&self, entry: &Value) -> (u16, Value) {
        answer(self.http.get(entry["url"].as_str().expect("an address"))).await
    }

    /// What the events of an entry say: action and object.
    async fn told(&self, entry: &Value) -> Vec<(String, u64)> {
        let (status, file) = self.file(entry).await;
        assert_eq!((status, &file["offset"]), (200, &entry["currentOffset"]));
        let events = file["journalEvents"].as_array().expect("events");
        let told = events.iter().map(|event| {
            assert_eq!(event["portalId"], self.portal());
            assert_eq!(event["objectTypeId"], "0-2");
            let action = event["action"].as_str().expect("an action").to_owned();
            (action, event["objectId"].as_u64().expect("an id"))
        });
        told.collect()
    }

    fn portal(&self) -> u64 {
        self.server.sim().config.hub_id
    }

    /// A person makes a company, a second from now.
    fn company(&self, name: &str) -> u64 {
        self.server.clock().advance(1_000);
        let now = self.server.now();
        let made = self
            .server
            .sim()
            .person_creates("companies", [("name", name)], now);
        made.expect("a company").id
    }

    /// A person archives a company, a second from now.
    fn archive(&self, id: u64) {
        self.server.clock().advance(1_000);
        let now = self.server.now();
        let archived = self.server.sim().person_archives("companies", id, now);
        archived.expect("the company exists");
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("the server answers");
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

fn offset(entry: &Value) -> String {
    entry["currentOffset"]
        .as_str()
        .expect("an offset")
        .to_owned()
}

#[tokio::test]
async fn entries_are_read_one_after_the_other() {
    let app = App::subscribed(&["DELETE", "MERGE", "RESTORE"]).await;
    for place in ["earliest", "latest"] {
        assert_eq!(app.get(&format!("{JOURNAL}/{place}")).await.0, 204);
    }
    let ids = ["a", "b", "c"].map(|name| app.company(name));
    assert_eq!(
        app.get(&format!("{JOURNAL}/earliest")).await.0,
        204,
        "not subscribed"
    );
    app.archive(ids[0]);
    let restored_at = app.server.now().plus_millis(1);
    let restored = app
        .server
        .sim()
        .person_restores("companies", ids[0], restored_at);
    restored.unwrap();
    let merged_at = app.server.now().plus_millis(2);
    let left = app
        .server
        .sim()
        .person_merges("companies", ids[1], ids[2], merged_at);
    let left = left.unwrap().id;

    let first = app.get(&format!("{JOURNAL}/earliest")).await.1;
    assert_eq!(app.told(&first).await, [("DELETE".to_owned(), ids[0])]);
    let next = |after: &Value| format!("{JOURNAL}/offset/{}/next", offset(after));
    let second = app.get(&next(&first)).await.1;
    assert_eq!(app.told(&second).await, [("RESTORE".to_owned(), ids[0])]);
    let third = app.get(&next(&second)).await.1;
    assert_eq!(app.told(&third).await, [("MERGE".to_owned(), left)]);
    let merge = app.file(&third).await.1;
    assert_eq!(
        merge["journalEvents"][0]["mergedObjectIds"],
        json!([ids[1], ids[2]])
    );
    assert_eq!(app.get(&next(&third)).await.0, 204);
    let latest = app.get(&format!("{JOURNAL}/latest")).await.1;
    assert_eq!(offset(&latest), offset(&third));
    let batch = format!("{JOURNAL}/batch/{}/next/100", offset(&first));
    let batch = app.get(&batch).await.1;
    assert_eq!(batch["results"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn entries_and_addresses_last_for_a_time() {
    let app = App::subscribed(&["DELETE"]).await;
    let id = app.company("a");
    app.archive(id);
    let entry = app.get(&format!("{JOURNAL}/latest")).await.1;
    app.server.clock().advance(300_000);
    assert_eq!(app.file(&entry).await.0, 403);
    let again = app.get(&format!("{JOURNAL}/latest")).await.1;
    assert_eq!(app.told(&again).await.len(), 1);
    let next = format!("{JOURNAL}/offset/{}/next", offset(&entry));
    assert_eq!(app.get(&next).await.0, 204);
    app.server.clock().advance(3 * 86_400_000);
    // The token is as old.
    let app = App {
        token: app.grant("sim-client-secret", SCOPES).await.1["access_token"]
            .as_str()
            .unwrap()
            .to_owned(),
        ..app
    };
    assert_eq!(app.get(&next).await.0, 404);
    assert_eq!(app.get(&format!("{JOURNAL}/earliest")).await.0, 204);
}

#[tokio::test]
async fn the_apps_token_opens_the_journal_and_nothing_else() {
    let app = App::with_scopes("developer.webhooks_journal.read crm.objects.companies.read").await;
    assert_eq!(app.get(&format!("{JOURNAL}/latest")).await.0, 204);
    assert_eq!(app.get("/crm/v3/objects/companies").await.0, 401);
    let (status, refusal) = app.get(SUBSCRIPTIONS).await;
    assert_eq!(
        (status, &refusal["category"]),
        (403, &json!("MISSING_SCOPES"))
    );
    assert_eq!(app.grant("wrong", SCOPES).await.0, 400);
    let token = app.server.sim().install(ALL_SCOPES, NOW).access_token;
    let portals = App { token, ..app };
    assert_eq!(portals.get(&format!("{JOURNAL}/latest")).await.0, 401);
}

#[tokio::test]
async fn subscriptions_are_made_once_and_end() {
    let app = App::subscribed(&["DELETE"]).await;
    let (_, again) = app.subscribe("0-2", &["DELETE", "CREATE"]).await;
    let (_, deals) = app.subscribe("0-3", &["DELETE"]).await;
    assert_ne!(again["id"], deals["id"]);
    let list = async || {
        let listed = app.get(SUBSCRIPTIONS).await.1["results"].clone();
        listed.as_array().map(Vec::len)
    };
    assert_eq!(list().await, Some(2));
    let one = format!("{SUBSCRIPTIONS}/{}", deals["id"]);
    assert_eq!(app.get(&one).await.1, deals);
    assert_eq!(app.delete(&one).await, 204);
    assert_eq!(app.delete(&one).await, 404);
    app.company("a");
    let created = app.get(&format!("{JOURNAL}/latest")).await.1;
    assert_eq!(app.told(&created).await[0].0, "CREATE");
    let portal = format!("{SUBSCRIPTIONS}/portals/{}", app.portal());
    assert_eq!(app.delete(&portal).await, 204);
    assert_eq!(list().await, Some(0));
}

#[tokio::test]
async fn faults_strike_the_journal_and_its_files() {
    let app = App::subscribed(&["DELETE"]).await;
    let id = app.company("a");
    app.archive(id);
    let arm = |path: &str| {
        app.server.sim().arm_fault(ArmedFault {
            path: path.to_owned(),
            skip: 0,
            times: 1,
            fault: Fault::ServerError,
        });
    };
    arm("webhooks-journal/");
    assert_eq!(app.get(&format!("{JOURNAL}/latest")).await.0, 500);
    let entry = app.get(&format!("{JOURNAL}/latest")).await.1;
    arm("journal-files");
    assert_eq!(app.file(&entry).await.0, 500);
    assert_eq!(app.file(&entry).await.0, 200);
}
