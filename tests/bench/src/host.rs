//! A host made of its real parts: client, engine, mapper component, and a database in a file.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use partneros_domain::{ConnectionId, OrganizationId, PairId, PairState};
use partneros_hubspot::{ApiVersion, AppKind, Http, HttpConfig, RetryConfig};
use partneros_runtime::{Plugin, Runtime, RuntimeConfig};
use partneros_store::{
    Access, CachedSchema, Connections as _, KeyRing, NewConnection, Options, Organization,
    Organizations as _, OtherPortal, Pairs as _, Run, RunOutcome, RunTrigger, Schemas as _, Sqlite,
    Store, SyncState as _, TokenSet,
};
use partneros_sync::{
    AlertSettings, AuditSettings, Begun, BrakeSettings, BuiltIn, Engine, Environment as _, Error,
    HttpPortals, Parts, Plugins, PortalsConfig, SyncSettings, describe,
};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::environment::SystemEnvironment;
use crate::pair;

/// The token that the measured portals accept.
pub const TOKEN: &str = "bench-token";

/// The portal that a host talks to.
#[derive(Debug, Clone)]
pub struct PortalAt {
    /// Its address.
    pub url: Url,
    /// The limits that the host keeps to; none for a portal that has none.
    pub app: Option<AppKind>,
    /// How often a call is attempted.
    pub attempts_max: u32,
}

/// A host with one organization.
#[derive(Debug, Clone)]
pub struct Host {
    /// The engine.
    pub engine: Engine,
    /// The database.
    pub store: Arc<Sqlite>,
    /// The organization.
    pub organization: OrganizationId,
}

/// Loads the default mapper.
pub fn load_mapper() -> anyhow::Result<Plugin> {
    Ok(load_plugins()?.default_mapper().clone())
}

fn load_plugins() -> anyhow::Result<Plugins> {
    let runtime = Runtime::new(RuntimeConfig::default()).context("failed to start the runtime")?;
    let built_in = BuiltIn {
        mapper: partneros_artifacts::HUBSPOT_MAPPER,
        expression: partneros_artifacts::EXPRESSION,
    };
    Plugins::new(runtime, built_in).context("failed to load the default mapper")
}

impl Host {
    /// Assembles a host with a new database in this directory.
    pub async fn start(directory: &Path, portal: PortalAt) -> anyhow::Result<Self> {
        let (engine, store) = Self::assemble(directory, portal)?;
        let organization = Organization {
            id: OrganizationId(SystemEnvironment.new_id()),
            name: "bench".to_owned(),
            created_at: SystemEnvironment.now(),
        };
        store.create_organization(&organization).await?;
        Ok(Self {
            engine,
            store,
            organization: organization.id,
        })
    }

    /// Assembles a host with the database that another left in this directory, and finds its pair.
    pub async fn again(directory: &Path, portal: PortalAt) -> anyhow::Result<(Self, PairId)> {
        let (engine, store) = Self::assemble(directory, portal)?;
        store.end_leases().await?;
        let organizations = store.organizations().await?;
        let organization = organizations
            .first()
            .context("there is no organization")?
            .id;
        let connections = store.connections(organization).await?;
        let connection = connections.first().context("there is no connection")?.id;
        let pairs = store.pairs(organization, connection).await?;
        let pair = pairs.first().context("there is no pair")?.id;
        let host = Self {
            engine,
            store,
            organization,
        };
        Ok((host, pair))
    }

    fn assemble(directory: &Path, portal: PortalAt) -> anyhow::Result<(Engine, Arc<Sqlite>)> {
        let ring = KeyRing::load_or_create(&directory.join("key"))?;
        let store = Sqlite::open(&directory.join("host.db"), ring, Options::default())?;
        let store = Arc::new(store);
        let erased: Arc<dyn Store> = store.clone();
        let environment = Arc::new(SystemEnvironment);
        let stop = CancellationToken::new();
        let config = PortalsConfig {
            api_base: portal.url,
            version: ApiVersion::default(),
            app: portal.app,
            retry: RetryConfig {
                attempts_max: portal.attempts_max,
                ..RetryConfig::default()
            },
        };
        let http = Http::new(&HttpConfig::default())?;
        let portals = HttpPortals::new(
            config,
            http,
            None,
            Arc::clone(&erased),
            environment.clone(),
            stop.clone(),
        );
        let parts = Parts {
            store: erased,
            portals: Arc::new(portals),
            plugins: load_plugins()?,
            environment,
            // The brake counts, as it does in any host, but lets everything change at once.
            settings: SyncSettings {
                brake: BrakeSettings {
                    records_min: u64::from(u32::MAX),
                    ..BrakeSettings::default()
                },
                ..SyncSettings::default()
            },
            audit: AuditSettings::default(),
            alerts: AlertSettings::default(),
        };
        Ok((Engine::new(parts, stop), store))
    }

    /// Connects the portal as one of this id, with a token that never expires.
    pub async fn connect(&self, portal_id: i64) -> anyhow::Result<ConnectionId> {
        let now = SystemEnvironment.now();
        let connection = NewConnection {
            id: ConnectionId(SystemEnvironment.new_id()),
            portal_id,
            access: Access::PrivateApp,
            scopes: Vec::new(),
            tokens: TokenSet {
                access: SecretString::from(TOKEN),
                access_expires_at: None,
                refresh: None,
                refresh_previous: None,
                generation: 0,
            },
            other_portal: OtherPortal::Refuse,
            at: now,
        };
        let connection = self.store.put_connection(self.organization, connection);
        Ok(connection.await?.id)
    }

    /// Takes the portal's schema for granted.
    pub async fn assume_schema(&self, connection: ConnectionId) -> anyhow::Result<()> {
        let now = SystemEnvironment.now();
        let schema = CachedSchema {
            schema: pair::companies(),
            custom: false,
            fetched_at: now,
        };
        self.store
            .replace_schemas(self.organization, connection, &[schema], now)
            .await?;
        Ok(())
    }

    /// Makes the measured pair of a connection whose schema is known. It is not active yet.
    pub async fn make_pair(&self, connection: ConnectionId) -> anyhow::Result<PairId> {
        let id = PairId(SystemEnvironment.new_id());
        let pair = pair::pair(id, connection, SystemEnvironment.now());
        self.store.create_pair(self.organization, &pair).await?;
        self.engine
            .save_mappings(self.organization, id, 0, &pair::mappings())
            .await?;
        Ok(id)
    }

    /// Makes the pair active without preparing the portal for it.
    pub async fn activate_quietly(&self, pair: PairId) -> anyhow::Result<()> {
        let now = SystemEnvironment.now();
        let set = self
            .store
            .set_pair_state(self.organization, pair, PairState::Active, now);
        Ok(set.await?)
    }

    /// Runs the pair once. The run must succeed and leave nothing behind.
    pub async fn run(&self, pair: PairId) -> anyhow::Result<Run> {
        self.run_by(pair, false).await
    }

    /// Looks at everything again.
    pub async fn run_full(&self, pair: PairId) -> anyhow::Result<Run> {
        self.run_by(pair, true).await
    }

    /// Audits the pair once. The run must succeed and leave nothing behind.
    pub async fn audit(&self, pair: PairId) -> anyhow::Result<Run> {
        let begun = self
            .engine
            .begin_audit(self.organization, pair, RunTrigger::Manual)
            .await;
        self.finish(begun).await
    }

    async fn run_by(&self, pair: PairId, full: bool) -> anyhow::Result<Run> {
        let begun = self
            .engine
            .begin(self.organization, pair, RunTrigger::Manual, full)
            .await;
        self.finish(begun).await
    }

    async fn finish(&self, begun: Result<Begun, Error>) -> anyhow::Result<Run> {
        let run = async { self.engine.carry_out(begun?).await }.await;
        let run =
            run.map_err(|error| anyhow::anyhow!("failed to run the pair: {}", describe(&error)))?;
        let error = run.error.as_deref().unwrap_or("it was interrupted");
        ensure!(
            run.outcome == RunOutcome::Succeeded,
            "the run failed: {error}"
        );
        ensure!(run.counts.failed == 0, "rows failed: {:?}", run.counts);
        Ok(run)
    }
}
