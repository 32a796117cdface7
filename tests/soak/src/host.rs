//! The host under test: client, engine, mapper component, and a database in a file.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use hubspot_sim::Server;
use partneros_domain::{ConnectionId, OrganizationId, Timestamp};
use partneros_hubspot::model::AccountInfo;
use partneros_hubspot::{ApiVersion, AppKind, Http, HttpConfig, Portal, RetryConfig};
use partneros_runtime::{Runtime, RuntimeConfig};
use partneros_store::{KeyRing, Options, Sqlite, Store};
use partneros_sync::{
    AlertSettings, AuditSettings, BrakeSettings, BuiltIn, Engine, Environment, Error, HttpPortals,
    Parts, Plugins, Portals, PortalsConfig, SyncSettings,
};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The token that every portal accepts.
pub const TOKEN: &str = "soak-token";

/// The system's clock and randomness.
#[derive(Debug, Clone, Copy)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "a soak happens in real time")]
        let now = jiff::Timestamp::now();
        Timestamp(now.as_millisecond())
    }

    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides randomness");
    }
}

/// The host.
#[derive(Debug, Clone)]
pub struct Host {
    /// The engine.
    pub engine: Engine,
    /// The database.
    pub store: Arc<Sqlite>,
    /// Ends the engine.
    pub stop: CancellationToken,
    directory: Arc<TempDir>,
}

/// Portals at an address each, by the organization that has one.
#[derive(Debug)]
struct ByOrganization(HashMap<OrganizationId, HttpPortals>);

#[async_trait]
impl Portals for ByOrganization {
    async fn portal(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
    ) -> Result<Arc<dyn Portal>, Error> {
        let portals = self.0.get(&organization).ok_or(Error::Busy)?;
        portals.portal(organization, connection).await
    }

    async fn account_of(&self, _: &SecretString) -> Result<AccountInfo, partneros_hubspot::Error> {
        Err(partneros_hubspot::Error::Cancelled)
    }

    fn forget(&self, connection: ConnectionId) {
        for portals in self.0.values() {
            portals.forget(connection);
        }
    }
}

impl Host {
    /// Assembles a host with a new database.
    pub fn start<'a>(
        portals: impl Iterator<Item = (OrganizationId, &'a Server)>,
    ) -> anyhow::Result<Self> {
        let directory = Arc::new(tempfile::tempdir()?);
        let ring = KeyRing::load_or_create(&directory.path().join("key"))?;
        let file = directory.path().join("host.db");
        let store = Arc::new(Sqlite::open(&file, ring, Options::default())?);
        let erased: Arc<dyn Store> = store.clone();
        let environment = Arc::new(SystemEnvironment);
        let stop = CancellationToken::new();
        let http = Http::new(&HttpConfig::default())?;
        let mut by_organization = HashMap::new();
        for (organization, portal) in portals {
            let config = PortalsConfig {
                api_base: portal.url().parse()?,
                version: ApiVersion::default(),
                app: Some(AppKind::Marketplace),
                retry: RetryConfig::default(),
            };
            let portals = HttpPortals::new(
                config,
                http.clone(),
                None,
                Arc::clone(&erased),
                environment.clone(),
                stop.clone(),
            );
            by_organization.insert(organization, portals);
        }
        let runtime = Runtime::new(RuntimeConfig::default())?;
        let built_in = BuiltIn {
            mapper: partneros_artifacts::HUBSPOT_MAPPER,
            expression: partneros_artifacts::EXPRESSION,
        };
        let parts = Parts {
            store: erased,
            portals: Arc::new(ByOrganization(by_organization)),
            plugins: Plugins::new(runtime, built_in)?,
            environment,
            settings: settings(),
            audit: AuditSettings::default(),
            alerts: AlertSettings::default(),
        };
        Ok(Self {
            engine: Engine::new(parts, stop.clone()),
            store,
            stop,
            directory,
        })
    }

    /// How much the database takes on the disk, its log included, in bytes.
    pub fn file_bytes(&self) -> u64 {
        let files = ["host.db", "host.db-wal"].map(|name| self.directory.path().join(name));
        let bytes = |file: PathBuf| std::fs::metadata(file).map_or(0, |found| found.len());
        files.into_iter().map(bytes).sum()
    }
}

/// Everything that goes by the hour goes by the minute, so that an hour holds it many times.
fn settings() -> SyncSettings {
    SyncSettings {
        poll_interval_ms: 5_000,
        settle_ms: 10_000,
        archived_interval_ms: 60_000,
        recheck_interval_ms: 300_000,
        retry_ms: 5_000,
        // In an hour everything is changed.
        brake: BrakeSettings {
            share_percent: 100,
            ..BrakeSettings::default()
        },
        ..SyncSettings::default()
    }
}
