//! No secret is in the database, its log, the host's log, an answer, what commands print, or debug output.
//!
//! One long story uses every secret that there is, lets much of it go wrong, and then everything that was written
//! anywhere is searched for each of them.

mod access;
mod people;

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hubspot_sim::{App, ArmedFault, Config, Fault, RefreshMode, Server};
use partneros_domain::{ConnectionId, OrganizationId};
use partneros_server::config::{Config as HostConfig, Overrides};
use partneros_server::environment::SystemEnvironment;
use partneros_server::host::Host;
use partneros_store::{
    Connections as _, KeyRing, KeyWrapper as _, Organizations as _, TokenSet, WrapContext,
    WrappedKey,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::process::{Answer, Home, Served, request};
use crate::sought::Sought;

const CLIENT_SECRET: &str = "client-secret-5f2a9c3e71d84b06";
const WRONG_CLIENT_SECRET: &str = "client-secret-of-another-app-77aa";
const REGISTRY_PASSWORD: &str = "registry-password-19c7e0";
const FORGED_TOKEN: &str = "pos_0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const FORGED_CODE: &str = "na1-forged-code-4cc1";
const DEADLINE: Duration = Duration::from_mins(1);

/// A host with a portal, and everything that it says.
struct Story {
    home: Home,
    portal: Server,
    host: Option<Served>,
    token: String,
    organization: OrganizationId,
    connection: Option<ConnectionId>,
    sought: Sought,
    said: String,
    logged: String,
}

impl Story {
    fn begin() -> Self {
        let portal = Server::start(Config {
            companies: 3,
            refresh: RefreshMode::Rotate,
            private_app_token: Some(access::PRIVATE_APP_TOKEN.to_owned()),
            app: App {
                client_secret: CLIENT_SECRET.to_owned(),
                ..App::default()
            },
            ..Config::default()
        })
        .expect("the simulator starts");
        let home = Home::new();
        write_settings(&home, &portal, CLIENT_SECRET);
        let token = home.organization("acme");
        let host = Some(Served::start(&home));
        let mut story = Self {
            home,
            portal,
            host,
            token,
            organization: OrganizationId(uuid::Uuid::nil()),
            connection: None,
            sought: Sought::default(),
            said: String::new(),
            logged: String::new(),
        };
        let found = wait(story.home.store().organization_by_name("acme"));
        story.organization = found.expect("it was made").id;
        story.sought.add("API token", &story.token);
        for (what, secret) in [
            ("client secret", CLIENT_SECRET),
            ("client secret", WRONG_CLIENT_SECRET),
            ("registry password", REGISTRY_PASSWORD),
            ("API token", FORGED_TOKEN),
            ("code", FORGED_CODE),
        ] {
            story.sought.add(what, secret);
        }
        story.remember_keys();
        story
    }

    fn host(&self) -> &Served {
        self.host.as_ref().expect("it is served")
    }

    /// Asks the host, and takes down what it says.
    fn asks(&mut self, method: &str, path: &str, body: &Json) -> Answer {
        let answer = self.host().asks(method, path, &self.token, body);
        self.said.push_str(&answer.text);
        answer
    }

    /// Begins to connect, as a person does, and returns the path that HubSpot sends the person back to.
    fn consents(&mut self) -> String {
        let path = "/api/integrations/hubspot/connect";
        // This answer has the state, which the person's browser is to have.
        let begun = self
            .host()
            .asks("POST", path, &self.token, &json!({}))
            .json(200);
        let page: url::Url = begun["authorizeUrl"].as_str().unwrap().parse().unwrap();
        let (host, query) = (page.authority(), page.query().unwrap());
        let page = request(host, "GET", &format!("{}?{query}", page.path()), "", "");
        let back: url::Url = page
            .header("location")
            .expect("a redirect")
            .parse()
            .unwrap();
        for (name, value) in back.query_pairs() {
            let what = if name == "code" { "code" } else { "state" };
            self.sought.add(what, value.as_bytes());
        }
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    fn comes_back(&mut self, path: &str) -> Answer {
        let answer = request(
            &self.host().address,
            "GET",
            path,
            "Accept: application/json\r\n",
            "",
        );
        self.said.push_str(&answer.text);
        answer
    }

    fn connects(&mut self) {
        let back = self.consents();
        let connected = self.comes_back(&back).json(200);
        let id = connected["integration"]["id"].as_str().unwrap();
        self.connection = Some(id.parse().unwrap());
        self.remember_tokens();
        self.comes_back(&back).json(400);
        let path = self.of_connection("status");
        self.until(|story| {
            let status = story.asks("GET", &path, &Json::Null).json(200);
            (!status["lastSyncAt"].is_null()).then_some(())
        });
    }

    fn of_connection(&self, what: &str) -> String {
        format!("/api/integrations/{}/{what}", self.connection.unwrap())
    }

    fn until<T>(&mut self, mut done: impl FnMut(&mut Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(done) = done(self) {
                return done;
            }
            assert!(
                begun.elapsed() < DEADLINE,
                "in time; {}",
                self.host().logged()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn pair(&mut self) -> String {
        let body = json!({
            "object": "partners", "hubspotObject": "companies", "direction": "bidirectional",
            "matchKey": { "field": "domain", "property": "domain" },
        });
        let path = self.of_connection("pairs");
        let made = self.asks("POST", &path, &body).json(200);
        let pair = made["pair"]["id"].as_str().unwrap().to_owned();
        for step in ["suggestions", "mappings/confirm", "activate"] {
            self.asks("POST", &format!("/api/pairs/{pair}/{step}"), &json!({}))
                .json(200);
        }
        pair
    }

    /// Syncs the pair once and returns the run's outcome.
    fn syncs(&mut self, pair: &str) -> String {
        let path = format!("/api/pairs/{pair}/sync");
        let run = self.until(|story| {
            let answer = story.asks("POST", &path, &json!({}));
            (answer.status != 409).then(|| answer.json(202))
        });
        let path = format!("/api/runs/{}", run["run"]["id"].as_str().unwrap());
        let outcome = self.until(|story| {
            let run = story.asks("GET", &path, &Json::Null).json(200);
            let outcome = run["run"]["outcome"].as_str().unwrap().to_owned();
            (outcome != "running").then_some(outcome)
        });
        self.remember_tokens();
        outcome
    }

    /// Makes a webhook and gives it another secret. Both answers hand a secret over.
    fn has_webhook(&mut self) -> String {
        let body = json!({"url": format!("{}/hook", self.portal.url()), "types": ["alert."]});
        let token = &self.token;
        let made = self.host().asks("POST", "/api/webhooks", token, &body);
        let made = made.json(200);
        let path = format!("/api/webhooks/{}", made["webhook"]["id"].as_str().unwrap());
        let rotate = format!("{path}/rotate-secret");
        let rotated = self.host().asks("POST", &rotate, token, &json!({}));
        for answer in [made, rotated.json(200)] {
            let secret = answer["secret"].as_str().unwrap();
            let bytes = secret.strip_prefix("whsec_").unwrap();
            let bytes = BASE64_STANDARD.decode(bytes).unwrap();
            self.sought.add("webhook secret", secret);
            self.sought.add("webhook secret", bytes);
        }
        path
    }

    /// Sends a message, which the portal does not take.
    fn is_told(&mut self, webhook: &str) {
        let told = self.asks("POST", &format!("{webhook}/test"), &json!({}));
        let id = told.json(202)["delivery"]["id"].clone();
        let path = format!("{webhook}/deliveries");
        let tried = self.until(|story| {
            let page = story.asks("GET", &path, &Json::Null).json(200);
            let mut messages = page["deliveries"].as_array().unwrap().iter();
            let message = messages.find(|message| message["id"] == id).unwrap();
            (message["lastError"] != Json::Null).then(|| message.clone())
        });
        assert_eq!(tried["lastStatus"], 404, "{tried}");
    }

    fn access_expires(&self) {
        let now = self.portal.now();
        self.portal.sim().grants.expire_access(now);
    }

    /// Takes down what a request without the story's token was answered.
    fn says<'a>(&mut self, answer: &'a Answer) -> &'a Answer {
        self.said.push_str(&answer.text);
        answer
    }

    fn stored_tokens(&self) -> TokenSet {
        let store = self.home.store();
        let tokens = store.connection_tokens(self.organization, self.connection.unwrap());
        wait(tokens).expect("they open")
    }

    /// Whether a token is good for anything in HubSpot.
    fn knows(&self, token: &SecretString) -> bool {
        let now = self.portal.now();
        let sim = self.portal.sim();
        sim.describe(token.expose_secret(), now).is_some()
    }

    fn remember_tokens(&mut self) {
        let tokens = self.stored_tokens();
        self.sought
            .add("access token", tokens.access.expose_secret());
        for refresh in [tokens.refresh, tokens.refresh_previous]
            .into_iter()
            .flatten()
        {
            self.sought.add("refresh token", refresh.expose_secret());
        }
    }

    /// The keys of the ring, and the data key that is under them.
    fn remember_keys(&mut self) {
        let text = fs::read_to_string(self.home.data("key")).expect("a key ring");
        for line in text.lines() {
            let digits = line.split('#').next().unwrap().trim();
            self.sought
                .add("sealing key", hex::decode(digits).expect("hexadecimal"));
        }
        let sql = self.home.sql();
        let mut list = sql
            .prepare("SELECT number, wrapped, wrapped_under FROM data_keys")
            .unwrap();
        let rows = list.query_map([], |row| {
            Ok((
                row.get(0)?,
                WrappedKey {
                    bytes: row.get(1)?,
                    under: row.get(2)?,
                },
            ))
        });
        let rows: Vec<(u32, WrappedKey)> = rows.unwrap().map(Result::unwrap).collect();
        let ring = KeyRing::load(&self.home.data("key")).expect("a key ring");
        for (number, wrapped) in rows {
            let context = WrapContext {
                organization: self.organization,
                number,
            };
            let key = wait(ring.unwrap_key(context, &wrapped)).expect("it unwraps");
            self.sought.add("data key", key.expose_secret());
        }
    }

    /// Starts the host again.
    fn restarts(&mut self) {
        let host = self.host.take().expect("it is served");
        self.logged.push_str(&host.terminate());
        self.host = Some(Served::start(&self.home));
    }

    fn changes_keys(&mut self) {
        self.home.run(&["keys", "rotate", "--data-keys"]);
        self.home.run(&["keys", "list"]);
        self.remember_keys();
        self.home.run(&["keys", "prune"]);
    }

    /// What is found in the files of the database as they are now.
    fn assert_not_in_files(&self) {
        let mut searched = 0;
        for file in ["partneros.db", "partneros.db-wal"] {
            let bytes = fs::read(self.home.data(file)).unwrap_or_default();
            searched += bytes.len();
            let found = self.sought.found_in(&bytes);
            assert!(found.is_empty(), "{file}: {found:?}");
        }
        assert!(searched > 100_000, "the database has something in it");
    }
}

fn write_settings(home: &Home, portal: &Server, client_secret: &str) {
    fs::write(home.path().join("registry-password"), REGISTRY_PASSWORD).unwrap();
    let (client_id, url) = (App::default().client_id, portal.url());
    let settings = format!(
        "[log]\nfilter = \"trace,wasmtime=info\"\n
         [hubspot]\nclient_id = \"{client_id}\"\nclient_secret = \"{client_secret}\"\napi_base = \"{url}\"
         authorize_base = \"{url}\"\napp = \"unlimited\"\n
         [webhooks]\nallow_private = true\nallow_http = true\n
         [[plugins.registries]]\nhost = \"registry.example\"\nusername = \"robot\"
         password_file = \"registry-password\"\n"
    );
    fs::write(home.path().join("partneros.toml"), settings).unwrap();
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
}

/// What everything shows of itself that has to do with secrets.
fn debug_output(home: &Home) -> String {
    let file = home.path().join("partneros.toml");
    let mut config = HostConfig::load(Some(file), &Overrides::default()).expect("settings");
    config.data_dir = home.path().join(".partneros");
    for registry in &mut config.plugins.registries {
        registry.password_file = Some(home.path().join("registry-password"));
    }
    let ring = KeyRing::load(&home.data("key")).expect("a key ring");
    let store = Arc::new(home.store());
    let shown = format!("{config:?} {ring:?} {:?} {store:?}", ring.keys());
    let assembled = async {
        let host = Host::new(
            &config,
            store,
            Arc::new(SystemEnvironment),
            CancellationToken::new(),
        );
        format!("{:?}", host.await.expect("a host"))
    };
    shown + &wait(assembled)
}

#[test]
fn no_secret_is_written_anywhere() {
    let mut story = Story::begin();
    story.connects();
    let pair = story.pair();
    let webhook = story.has_webhook();
    assert_eq!(story.syncs(&pair), "succeeded");
    story.assert_not_in_files();

    // Tokens are renewed and rotated, before and after the keys are.
    for _ in 0..2 {
        story.access_expires();
        assert_eq!(story.syncs(&pair), "succeeded");
        story.changes_keys();
        story.is_told(&webhook);
    }
    story.access_expires();
    assert_eq!(story.syncs(&pair), "succeeded");
    story.assert_not_in_files();

    swap_a_token(&mut story);
    refuse_callers(&mut story);
    lose_the_portal(&mut story, &pair);
    people::come_and_go(&mut story);
    access::by_private_app(&mut story, &pair);
    access::ends(&mut story);
    story.assert_not_in_files();

    let kinds = [
        ("sealing key", 3),
        ("data key", 3),
        ("code", 4),
        ("state", 4),
        ("access token", 4),
        ("refresh token", 4),
        ("API token", 2),
        ("client secret", 2),
        ("registry password", 1),
        ("webhook secret", 4),
        ("private-app token", 2),
        ("password", 5),
        ("session", 4),
        ("CSRF token", 3),
        ("invitation", 2),
    ];
    for (what, at_least) in kinds {
        let count = story.sought.count(what);
        assert!(count >= at_least, "{count} of {what}");
    }
    let shown = debug_output(&story.home);
    assert!(shown.contains("AppState"), "{shown}");
    story.restarts();
    let places = [
        ("log", story.logged.as_str()),
        ("answers", &story.said),
        ("commands", &story.home.printed()),
        ("debug output", &shown),
    ];
    assert!(
        story.logged.contains("\"TRACE\""),
        "the log is as long as can be"
    );
    for (place, text) in places {
        let found = story.sought.found_in(text.as_bytes());
        assert!(found.is_empty(), "{place}: {found:?}");
    }
    // The search finds what is there.
    let ring = fs::read(story.home.data("key")).unwrap();
    assert!(
        story
            .sought
            .found_in(&ring)
            .contains("sealing key, in hexadecimal")
    );
}

/// Someone who can write to the database puts one token in another's place.
fn swap_a_token(story: &mut Story) {
    let sql = story.home.sql();
    let swap = "UPDATE connections SET access_token = refresh_token, refresh_token = access_token";
    sql.execute(swap, []).unwrap();
    story.access_expires();
    let path = story.of_connection("schema/refresh");
    let refused = story.asks("POST", &path, &Json::Null).json(409);
    assert_eq!(refused["code"], "secret_unreadable");
    let told = refused["error"].as_str().unwrap();
    let id = story.connection.unwrap().to_string();
    for part in [
        "`connections.access_token`",
        &id,
        "connect the portal again",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let path = story.of_connection("status");
    let status = story.asks("GET", &path, &Json::Null).json(200);
    assert_eq!(status["status"], "error");
    sql.execute(swap, []).unwrap();
    let path = story.of_connection("schema/refresh");
    story.asks("POST", &path, &Json::Null).json(200);
    story.remember_tokens();
}

/// Requests that carry secrets to where they do not belong.
fn refuse_callers(story: &mut Story) {
    let token = std::mem::replace(&mut story.token, FORGED_TOKEN.to_owned());
    story
        .asks("GET", "/api/records/partners", &Json::Null)
        .json(401);
    story.token = token;
    let back = story.consents();
    let (path, query) = back.split_once('?').unwrap();
    let query = url::form_urlencoded::parse(query.as_bytes());
    let state = query
        .into_owned()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1;
    let refused = story.comes_back(&format!("{path}?code={FORGED_CODE}&state={state}"));
    refused.json(400);
    story
        .comes_back(&format!("{path}?code={FORGED_CODE}&state={FORGED_CODE}"))
        .json(400);
    // The code again, at a host that does not know the app's secret.
    write_settings(&story.home, &story.portal, WRONG_CLIENT_SECRET);
    story.restarts();
    let back = story.consents();
    let refused = story.comes_back(&back);
    assert!(refused.status >= 400, "{}", refused.text);
    write_settings(&story.home, &story.portal, CLIENT_SECRET);
    story.restarts();
}

/// HubSpot's answers break off, and the app is removed.
fn lose_the_portal(story: &mut Story, pair: &str) {
    for (path, fault) in [
        ("oauth", Fault::BadGateway),
        ("objects", Fault::ServerError),
    ] {
        let armed = ArmedFault {
            path: path.to_owned(),
            skip: 0,
            times: 1,
            fault,
        };
        story.portal.sim().arm_fault(armed);
        story.access_expires();
        story.syncs(pair);
    }
    let armed = ArmedFault {
        path: "oauth".to_owned(),
        skip: 0,
        times: 9,
        fault: Fault::CutOffBody,
    };
    story.portal.sim().arm_fault(armed);
    story.access_expires();
    assert_ne!(story.syncs(pair), "succeeded");
    story.portal.sim().uninstall();
    assert_ne!(story.syncs(pair), "succeeded");
    story.connects();
    assert_eq!(story.syncs(pair), "succeeded");
}
