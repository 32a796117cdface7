//! A host under test with its simulated portal.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hubspot_sim::state::view::Text;
use hubspot_sim::{Clock, Config, Server};
use partneros_domain::Timestamp;
use partneros_hubspot::{
    Http, HttpConfig, JournalClient, JournalConfig, OAuth, OAuthConfig, RetryConfig,
};
use partneros_runtime::{Runtime, RuntimeConfig};
use partneros_store::{KeyRing, Options, Sqlite, Store};
use partneros_sync::{
    AlertSettings, AuditSettings, BuiltIn, Engine, Environment, HttpPortals, JournalReader,
    JournalSettings, Parts, Plugins, PortalsConfig, SyncSettings,
};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::environment::TestEnvironment;
use crate::organization::TestOrganization;
use crate::uses::Uses;

/// When every scenario begins.
pub const START: Timestamp = Timestamp(1_790_000_000_000);

/// A host under test.
#[derive(Debug)]
pub struct TestHost {
    /// The portal.
    pub sim: Server,
    /// The engine.
    pub engine: Engine,
    /// The store.
    pub store: Arc<Sqlite>,
    pub(crate) oauth: Arc<OAuth>,
    pub(crate) environment: Arc<TestEnvironment>,
    /// What the database was used for.
    pub uses: Arc<Uses>,
    http: Http,
    directory: TempDir,
}

impl TestHost {
    /// Starts a portal and a host that is not connected to it yet.
    pub fn start(config: Config) -> Self {
        Self::start_with(config, SyncSettings::default(), plugins())
    }

    /// Starts with settings and plugins of the test's own.
    pub fn start_with(config: Config, settings: SyncSettings, plugins: Plugins) -> Self {
        let app = config.app.clone();
        let sim = Server::start_with(config, Clock::manual(START)).expect("the simulator starts");
        let environment = Arc::new(TestEnvironment::new(sim.clock().clone()));
        let directory = tempfile::tempdir().expect("a temporary directory");
        let ring = KeyRing::load_or_create(&directory.path().join("key")).expect("a key");
        let file = directory.path().join("partneros.db");
        let store = Sqlite::open(&file, ring, Options::default()).expect("a database");
        let uses = Arc::new(Uses::default());
        let store = Arc::new(store.stepped_by(uses.clone()));
        let api_base: url::Url = sim.url().parse().expect("an address");
        let secret = SecretString::from(app.client_secret);
        let redirect = "http://localhost/api/integrations/hubspot/callback";
        let oauth = OAuthConfig {
            authorize_base: api_base.clone(),
            api_base: api_base.clone(),
            ..OAuthConfig::new(app.client_id, secret, redirect)
        };
        let http = Http::new(&HttpConfig::default()).expect("an HTTP client");
        let oauth = Arc::new(OAuth::new(http.clone(), oauth));
        let stop = CancellationToken::new();
        let config = PortalsConfig {
            api_base,
            version: partneros_hubspot::ApiVersion::default(),
            app: None,
            retry: RetryConfig::default(),
        };
        let erased: Arc<dyn Store> = store.clone();
        let portals = HttpPortals::new(
            config,
            http.clone(),
            Some(Arc::clone(&oauth)),
            Arc::clone(&erased),
            environment.clone(),
            stop.clone(),
        );
        let parts = Parts {
            store: erased,
            portals: Arc::new(portals),
            plugins,
            environment: environment.clone(),
            settings,
            audit: AuditSettings::default(),
            alerts: AlertSettings::default(),
        };
        let engine = Engine::new(parts, stop);
        Self {
            sim,
            engine,
            store,
            oauth,
            environment,
            uses,
            http,
            directory,
        }
    }

    /// What reads HubSpot's change journal, as a process of its own would.
    pub fn journal_reader(&self) -> JournalReader {
        let config = JournalConfig {
            api_base: self.sim.url().parse().expect("an address"),
            // What fails for good must not take long to find out.
            retry: RetryConfig {
                failed: Duration::from_millis(1),
                ..RetryConfig::default()
            },
            jitter_seed: 1,
            cancel: CancellationToken::new(),
        };
        let client = JournalClient::new(&self.http, config, Arc::clone(&self.oauth));
        let settings = JournalSettings::default();
        JournalReader::new(self.engine.clone(), client, "app".to_owned(), settings)
    }

    /// A look into the database past the host.
    pub fn sql(&self) -> rusqlite::Connection {
        let file = self.directory.path().join("partneros.db");
        rusqlite::Connection::open(file).expect("a database")
    }

    /// An organization that has connected the portal and discovered its schema.
    pub async fn organization(&self, name: &str) -> TestOrganization<'_> {
        TestOrganization::connected(self, name).await
    }

    /// Lets time pass.
    pub fn wait_ms(&self, millis: i64) {
        self.sim.clock().advance(millis);
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.environment.now()
    }

    /// A person in HubSpot sets properties of an object, a second from now.
    pub fn person_sets(&self, object: &str, id: u64, values: &[(&str, &str)]) {
        self.wait_ms(1_000);
        let now = self.now();
        let values = owned(values);
        self.sim
            .sim()
            .person_sets(object, id, values, now)
            .expect("HubSpot takes the edit");
    }

    /// A workflow in HubSpot sets properties of an object, a second from now.
    pub fn workflow_sets(&self, object: &str, id: u64, values: &[(&str, &str)]) {
        self.wait_ms(1_000);
        let now = self.now();
        let set = self.sim.sim().workflow_sets(object, id, owned(values), now);
        set.expect("HubSpot takes the value");
    }

    /// HubSpot changes a value without moving the modified date, a second from now.
    pub fn hubspot_changes_silently(&self, object: &str, id: u64, value: (&str, &str)) {
        self.wait_ms(1_000);
        let now = self.now();
        let changed = self.sim.sim().changes_silently(object, id, value, now);
        changed.expect("HubSpot has the object and the property");
    }

    /// A person in HubSpot makes an object, a second from now.
    pub fn person_creates(&self, object: &str, values: &[(&str, &str)]) -> u64 {
        self.wait_ms(1_000);
        let now = self.now();
        let values = owned(values);
        self.sim
            .sim()
            .person_creates(object, values, now)
            .expect("HubSpot takes the object")
            .id
    }

    /// A person in HubSpot archives an object, a second from now.
    pub fn person_archives(&self, object: &str, id: u64) {
        self.wait_ms(1_000);
        let now = self.now();
        let archived = self.sim.sim().person_archives(object, id, now);
        archived.expect("HubSpot archives the object");
    }

    /// A person in HubSpot associates two objects, a second from now.
    pub fn person_associates(&self, from: (&str, u64), to: (&str, u64)) {
        self.wait_ms(1_000);
        let call = hubspot_sim::Call::person(self.now());
        let (one, other) = (from.1.to_string(), to.1.to_string());
        let (from, to) = ((from.0, one.as_str()), (to.0, other.as_str()));
        let associated = self.sim.sim().associate(&call, from, to, &[]);
        associated.expect("both are there");
    }

    /// A person in HubSpot ends an association, a second from now.
    pub fn person_parts(&self, from: (&str, u64), to: (&str, u64)) {
        self.wait_ms(1_000);
        let call = hubspot_sim::Call::person(self.now());
        let ends = [(Text(from.1.to_string()), Text(to.1.to_string()))];
        let mut sim = self.sim.sim();
        let parted = sim.batch_archive_associations(&call, from.0, to.0, &ends);
        parted.expect("HubSpot knows both types");
    }

    /// A person in HubSpot restores an object, a second from now.
    pub fn person_restores(&self, object: &str, id: u64) {
        self.wait_ms(1_000);
        let now = self.now();
        let restored = self.sim.sim().person_restores(object, id, now);
        restored.expect("HubSpot restores the object");
    }

    /// A person in HubSpot merges two objects, a second from now. Returns what is left.
    pub fn person_merges(&self, object: &str, primary: u64, other: u64) -> u64 {
        self.wait_ms(1_000);
        let now = self.now();
        let merged = self.sim.sim().person_merges(object, primary, other, now);
        merged.expect("HubSpot merges the objects").id
    }

    /// HubSpot erases an object for good, a second from now.
    pub fn hubspot_erases(&self, object: &str, id: u64) {
        self.wait_ms(1_000);
        let call = hubspot_sim::Call::person(self.now());
        let erased = self.sim.sim().erase(&call, object, &id.to_string());
        erased.expect("HubSpot erases the object");
    }

    /// The ids of HubSpot's live objects, ascending.
    pub fn live_ids(&self, object: &str) -> Vec<u64> {
        let ids = self.sim.sim().live_ids(object);
        ids.expect("a known object type")
    }

    /// What HubSpot shows of a property; null and "" are `None`.
    pub fn hubspot_value(&self, object: &str, id: u64, property: &str) -> Option<String> {
        let now = self.now();
        let view = self
            .sim
            .sim()
            .person_reads(object, id, &[property], now)
            .expect("the object exists");
        view.property(property)
            .filter(|value| !value.is_empty())
            .map(ToOwned::to_owned)
    }

    /// How many writes the integration has made since the last call.
    pub fn writes(&self) -> u64 {
        let mut sim = self.sim.sim();
        let total = sim.writes.total();
        sim.writes.reset();
        total
    }
}

fn owned(values: &[(&str, &str)]) -> hubspot_sim::Values {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    hubspot_sim::Values(values.iter().map(owned).collect())
}

/// The default mapper, compiled once for all tests of a process.
pub fn plugins() -> Plugins {
    static PLUGINS: OnceLock<Plugins> = OnceLock::new();
    PLUGINS
        .get_or_init(|| {
            let runtime = Runtime::new(RuntimeConfig::default()).expect("a runtime");
            plugins_of(runtime, partneros_artifacts::HUBSPOT_MAPPER)
        })
        .clone()
}

/// Plugins with a default mapper of the test's own.
pub fn plugins_of(runtime: Runtime, mapper: &'static [u8]) -> Plugins {
    let built_in = BuiltIn {
        mapper,
        expression: partneros_artifacts::EXPRESSION,
    };
    Plugins::new(runtime, built_in).expect("the mapper loads")
}
