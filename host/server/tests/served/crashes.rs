//! A host that is killed at any moment, again and again, ends like one that never was.
//!
//! `PARTNEROS_KILLS` asks for more than the few of every run.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hubspot_sim::{App, Config, Fault, FaultPlan, RefreshMode, Server, Values};
use partneros_domain::ConnectionId;
use partneros_hubspot::required_scopes;
use partneros_store::{
    Access, Connections as _, NewConnection, Organizations as _, OtherPortal, TokenSet,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use crate::process::{Home, Served};

/// Companies that there are at the beginning: several pages of a first sync.
const COMPANIES: usize = 450;
const KILLS: u64 = 20;
const ALIVE_MS: std::ops::Range<u64> = 0..700;
/// Before every so many of them another mapper is bound, and the kill comes within this time of the request.
const BINDINGS: u64 = 4;
const BINDING_MS: std::ops::Range<u64> = 0..40;
const DEADLINE: Duration = Duration::from_mins(2);
const COMPANY: &str = "companies";
/// What is edited here, what in HubSpot, and the field that says which company it is.
const OURS: (&str, &str) = ("phone", "phone");
const THEIRS: (&str, &str) = ("city", "city");
const NAME: &str = "name";

/// A host and its portal, with companies on one side.
pub struct Story {
    pub home: Home,
    portal: Server,
    pub token: String,
    pub connection: ConnectionId,
    dice: StdRng,
    /// The last value of each edited field, by company's name.
    expected: BTreeMap<(String, &'static str), String>,
    made: usize,
}

impl Story {
    /// A portal with so many companies and a connection to it. `more` is added to the host's settings.
    pub fn begin(companies: usize, more: &str) -> Self {
        let config = Config {
            refresh: RefreshMode::Missing,
            faults: FaultPlan {
                rates: vec![(Fault::Latency { ms: 30 }, 0.5)],
            },
            ..Config::default()
        };
        let portal = Server::start(config).expect("the simulator starts");
        let home = Home::new();
        let (app, url) = (App::default(), portal.url());
        let settings = format!(
            "[sync]\npoll_interval_ms = 100\nsettle_ms = 2000\nlease_ms = 400\nretry_ms = 300\n
             [sync.brake]\nshare_percent = 100
             [hubspot]\nclient_id = \"{}\"\nclient_secret = \"{}\"\napi_base = \"{url}\"
             authorize_base = \"{url}\"\napp = \"unlimited\"\n{more}",
            app.client_id, app.client_secret
        );
        fs::write(home.path().join("partneros.toml"), settings).expect("a file");
        let token = home.organization("acme");
        let mut story = Self {
            home,
            portal,
            token,
            connection: ConnectionId(uuid::Uuid::from_u128(7)),
            dice: StdRng::seed_from_u64(5),
            expected: BTreeMap::new(),
            made: 0,
        };
        for _ in 0..companies {
            story.their_company();
        }
        story.connect();
        story
    }

    fn connect(&mut self) {
        let store = self.home.store();
        let now = self.portal.now();
        let scopes = required_scopes();
        let names: Vec<_> = scopes.iter().map(String::as_str).collect();
        let granted = self.portal.sim().install(&names, now);
        let new = NewConnection {
            id: self.connection,
            portal_id: 48_212_345,
            access: Access::OAuth,
            other_portal: OtherPortal::Refuse,
            scopes,
            tokens: TokenSet {
                access: SecretString::from(granted.access_token),
                access_expires_at: Some(now.plus_millis(granted.expires_in * 1_000)),
                refresh: granted.refresh_token.map(SecretString::from),
                refresh_previous: None,
                generation: 0,
            },
            at: now,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let acme = store
                .organization_by_name("acme")
                .await
                .expect("it was made")
                .id;
            store
                .put_connection(acme, new)
                .await
                .expect("the portal is free");
        });
    }

    fn asks(&self, host: &Served, method: &str, path: &str, body: &Json) -> Json {
        let answer = host.asks(method, path, &self.token, body);
        assert!(answer.status < 300, "{path}: {}", answer.text);
        answer.json(answer.status)
    }

    /// Makes a pair and starts it.
    pub fn pair(&self, host: &Served) -> String {
        let of = format!("/api/integrations/{}", self.connection.0);
        self.asks(host, "POST", &format!("{of}/schema/refresh"), &json!({}));
        let body = json!({
            "object": "partners", "hubspotObject": COMPANY, "direction": "bidirectional",
            "matchKey": { "field": "name", "property": "name" },
        });
        let made = self.asks(host, "POST", &format!("{of}/pairs"), &body);
        let pair = format!("/api/pairs/{}", made["pair"]["id"].as_str().expect("an id"));
        for step in ["suggestions", "mappings/confirm", "activate"] {
            self.asks(host, "POST", &format!("{pair}/{step}"), &json!({}));
        }
        pair
    }

    /// Uploads a copy of the default mapper, which maps alike; returns its sha256.
    fn uploads(&self, host: &Served) -> String {
        let file = self.home.path().join("copy.wasm");
        fs::write(&file, partneros_artifacts::HUBSPOT_MAPPER).expect("a file");
        let (file, url) = (file.to_string_lossy(), format!("http://{}", host.address));
        let push = ["plugins", "push", &file, "--name", "copy", "--json"];
        let host = ["--url", &url, "--token", &self.token];
        let told = self.home.run(&[&push[..], &host[..]].concat());
        let told: Json = serde_json::from_str(&told).expect("an answer");
        let digest = told["version"]["sha256"].as_str().expect("a digest");
        digest.to_owned()
    }

    /// Asks for another mapper to be bound to the pair, and does not care for the answer.
    fn binds(&mut self, host: &Served, pair: &str, copy: &str) -> JoinHandle<()> {
        let parts = if self.dice.random_bool(0.5) {
            json!([copy])
        } else {
            json!([])
        };
        let pair = pair.rsplit('/').next().expect("an id");
        let body = json!({"scope": {"pair": pair}, "parts": parts}).to_string();
        let (address, token) = (host.address.clone(), self.token.clone());
        std::thread::spawn(move || {
            let head = format!(
                "POST /api/plugins/bindings HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            if let Ok(mut stream) = TcpStream::connect(&address) {
                // The host may be gone at any of these.
                let _ = stream.write_all((head + &body).as_bytes());
                let _ = stream.read(&mut [0]);
            }
        })
    }

    fn word(&mut self, of: &str) -> String {
        self.made += 1;
        format!("{of} {}", self.made)
    }

    fn their_company(&mut self) {
        let name = self.word("Theirs");
        let now = self.portal.now();
        let values = Values::from([(NAME, name.as_str())]);
        let made = self.portal.sim().person_creates(COMPANY, values, now);
        made.expect("HubSpot takes it");
    }

    /// A company is made on either side, and a few are edited on both.
    pub fn edits(&mut self, host: &Served) {
        let name = self.word("Ours");
        self.asks(
            host,
            "POST",
            "/api/records/partners",
            &json!({"fields": {NAME: name}}),
        );
        self.their_company();
        let page = self.asks(host, "GET", "/api/records/partners?limit=50", &Json::Null);
        let records = page["records"].as_array().expect("a list").clone();
        for _ in 0..records.len().min(5) {
            let record = &records[self.dice.random_range(0..records.len())];
            let phone = self.word("ours");
            let path = format!(
                "/api/records/partners/{}",
                record["id"].as_str().expect("an id")
            );
            self.asks(host, "PATCH", &path, &json!({"fields": {OURS.0: phone}}));
            let name = record["fields"][NAME].as_str().expect("a name").to_owned();
            self.expected.insert((name, OURS.0), phone);
        }
        for _ in 0..5 {
            let ids = self.portal.sim().live_ids(COMPANY).expect("a type");
            let id = ids[self.dice.random_range(0..ids.len())];
            let city = self.word("theirs");
            let now = self.portal.now();
            let set = self.portal.sim().person_sets(
                COMPANY,
                id,
                Values::from([(THEIRS.1, city.as_str())]),
                now,
            );
            let name = self.property(id, NAME).expect("a name");
            set.expect("HubSpot takes it");
            self.expected.insert((name, THEIRS.0), city);
        }
        if self.dice.random_bool(0.3) {
            let now = self.portal.now();
            self.portal.sim().grants.expire_access(now);
        }
    }

    /// A person in HubSpot archives a company; returns its name.
    pub fn archives(&self) -> String {
        let mut sim = self.portal.sim();
        let id = sim.live_ids(COMPANY).expect("a type")[0];
        let now = self.portal.now();
        let view = sim.person_reads(COMPANY, id, &[NAME], now);
        let view = view.expect("it is there");
        let archived = sim.person_archives(COMPANY, id, now);
        archived.expect("HubSpot archives it");
        view.property(NAME).expect("a name").to_owned()
    }

    /// How many subscriptions the app has to the journal.
    pub fn subscriptions(&self) -> usize {
        self.portal.sim().journal.subscriptions().count()
    }

    /// Takes a scope from the app.
    pub fn withholds(&self, scope: &str) {
        let mut sim = self.portal.sim();
        sim.journal.withheld = vec![scope.to_owned()];
        sim.journal.expire_tokens();
    }

    fn property(&self, id: u64, name: &str) -> Option<String> {
        let now = self.portal.now();
        let view = self
            .portal
            .sim()
            .person_reads(COMPANY, id, &[name], now)
            .ok()?;
        view.property(name).map(ToOwned::to_owned)
    }

    /// Waits until runs succeed and nothing is written any more.
    fn come_to_rest(&self, host: &Served, pair: &str) {
        self.portal.sim().faults.set_plan(FaultPlan::default());
        let begun = Instant::now();
        let (mut still, mut runs) = (0, Json::Null);
        while still < 3 {
            assert!(
                begun.elapsed() < DEADLINE,
                "still writing; {runs}; {}",
                host.logged()
            );
            let before = self.portal.sim().writes.total();
            std::thread::sleep(Duration::from_millis(2_500));
            runs = self.asks(host, "GET", &format!("{pair}/runs?limit=3"), &Json::Null);
            let succeeded = runs["runs"][0]["outcome"] == "succeeded"
                || runs["runs"][0]["outcome"] == "running";
            let quiet = self.portal.sim().writes.total() == before && succeeded;
            still = if quiet { still + 1 } else { 0 };
        }
    }

    fn records(&self, host: &Served) -> BTreeMap<String, Json> {
        let mut records = BTreeMap::new();
        let mut path = "/api/records/partners?limit=200".to_owned();
        loop {
            let page = self.asks(host, "GET", &path, &Json::Null);
            for record in page["records"].as_array().expect("a list") {
                let name = record["fields"][NAME].as_str().expect("a name").to_owned();
                let twice = records.insert(name, record["fields"].clone());
                assert_eq!(twice, None, "a record exists twice");
            }
            let Some(next) = page["nextCursor"].as_str() else {
                return records;
            };
            path = format!("/api/records/partners?limit=200&cursor={next}");
        }
    }

    fn assert_both_sides_have_everything(&self, host: &Served) {
        let records = self.records(host);
        let ids = self.portal.sim().live_ids(COMPANY).expect("a type");
        let mut objects = BTreeMap::new();
        for id in ids {
            let name = self.property(id, NAME).expect("a name");
            assert_eq!(objects.insert(name, id), None, "an object exists twice");
        }
        let names: Vec<_> = records.keys().collect();
        assert_eq!(names, objects.keys().collect::<Vec<_>>());
        for ((name, field), value) in &self.expected {
            assert_eq!(records[name][*field], json!(value), "`{field}` of {name}");
            let held = self.property(objects[name], field);
            assert_eq!(held.as_ref(), Some(value), "`{field}` of {name} in HubSpot");
        }
    }
}

#[test]
fn a_host_that_is_killed_at_any_moment_loses_and_doubles_nothing() {
    let kills = std::env::var("PARTNEROS_KILLS");
    let kills = kills
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(KILLS);
    let mut story = Story::begin(COMPANIES, "");
    let mut host = Served::start(&story.home);
    let pair = story.pair(&host);
    let copy = story.uploads(&host);
    for kill in 1..=kills {
        story.edits(&host);
        let binds = kill.is_multiple_of(BINDINGS);
        let binding = binds.then(|| story.binds(&host, &pair, &copy));
        let alive_ms = if binds { BINDING_MS } else { ALIVE_MS };
        std::thread::sleep(Duration::from_millis(story.dice.random_range(alive_ms)));
        // Dropping it kills it, with no time to do anything about it.
        drop(host);
        if let Some(binding) = binding {
            binding.join().expect("whatever came of it");
        }
        host = Served::start(&story.home);
    }
    story.come_to_rest(&host, &pair);
    story.assert_both_sides_have_everything(&host);
    assert_eq!(
        story
            .home
            .run(&["doctor"])
            .lines()
            .filter(|line| line.contains("database"))
            .count(),
        1
    );
}
