//! The assembled host: store, portals, mapper, engine, API and schedule.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use partneros_hubspot::{
    Http, HttpConfig, JournalClient, JournalConfig, OAuth, OAuthConfig, RetryConfig,
};
use partneros_runtime::Runtime;
use partneros_store::Store;
use partneros_sync::{
    BuiltIn, Engine, Environment, HttpPortals, JournalReader, Parts, Plugins, PortalsConfig,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::auth::{Auth, RateLimits};
use crate::config::{Config, HubSpotConfig};
use crate::connect::OAuthConnect;
use crate::metrics::Metrics;
use crate::registry::Registries;
use crate::router::router;
use crate::state::{AppState, ConnectFlow, Jobs};
use crate::webhooks::Deliveries;

/// The path, below the public address, to which HubSpot sends people back.
pub const CALLBACK_PATH: &str = "api/integrations/hubspot/callback";

/// A host, ready to serve.
#[derive(Debug)]
pub struct Host {
    state: AppState,
    deliveries: Deliveries,
    journal: Option<Arc<JournalReader>>,
    stop: CancellationToken,
}

impl Host {
    /// Puts a host together. Compiles the mapper unless the data directory has it compiled already.
    pub async fn new(
        config: &Config,
        store: Arc<dyn Store>,
        environment: Arc<dyn Environment>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let http = Http::new(&HttpConfig::default())?;
        let oauth = oauth(config, &http)?;
        let portals = HttpPortals::new(
            PortalsConfig {
                api_base: config.hubspot.api_base.clone(),
                version: config.hubspot.version,
                app: config.hubspot.app.kind(),
                retry: RetryConfig::default(),
            },
            http.clone(),
            oauth.clone(),
            Arc::clone(&store),
            Arc::clone(&environment),
            stop.clone(),
        );
        let parts = Parts {
            store: Arc::clone(&store),
            portals: Arc::new(portals),
            plugins: plugins(config).await?,
            environment: Arc::clone(&environment),
            settings: config.sync.clone(),
            audit: config.audit.clone(),
            alerts: config.alerts.clone(),
        };
        let engine = Engine::new(parts, stop.clone());
        let journal = journal(config, &http, oauth.as_ref(), &engine, &stop);
        let connect = oauth.map(|oauth| Arc::new(OAuthConnect(oauth)) as Arc<dyn ConnectFlow>);
        let jobs = Jobs::new(config.api.jobs_max);
        let uploads = Jobs::new(config.api.uploads_max);
        let trials = Jobs::new(config.api.trials_max);
        let streams = Jobs::new(config.api.streams_max);
        let registries = Arc::new(Registries::new(&config.plugins)?);
        let auth = Auth::new(config.auth, config.public_url.clone(), environment.as_ref())?;
        let (webhooks, told) = (config.webhooks, Arc::clone(&store));
        let deliveries = Deliveries::new(webhooks, told, Arc::clone(&environment))?;
        let state = AppState {
            engine,
            store,
            environment,
            connect,
            jobs,
            uploads,
            trials,
            streams,
            stop: stop.clone(),
            registries,
            auth: Arc::new(auth),
            rates: Arc::new(RateLimits::new(config.api.requests_per_second_max)),
            metrics: Metrics::install(&config.metrics, stop.clone())?,
            webhooks,
            limits: config.api,
        };
        Ok(Self {
            state,
            deliveries,
            journal: journal.map(Arc::new),
            stop,
        })
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.state.engine
    }

    /// The API.
    pub fn router(&self) -> Router {
        router(self.state.clone())
    }

    /// Serves the API, runs due pairs and delivers messages until the host is stopped; then waits for what is under way.
    pub async fn serve(&self, listener: TcpListener) -> anyhow::Result<()> {
        let stop = self.stop.clone();
        let engine = self.state.engine.clone();
        let schedule = tokio::spawn(async move { engine.schedule().await });
        let journal = self.journal.clone();
        let journal = tokio::spawn(async move {
            if let Some(journal) = journal {
                journal.run().await;
            }
        });
        let (deliveries, stopped) = (self.deliveries.clone(), self.stop.clone());
        let deliveries = tokio::spawn(async move { deliveries.run(&stopped).await });
        let service = self
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, service)
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await;
        // A listener that failed ends the host as a signal would.
        self.stop.cancel();
        schedule.await.context("failed to end the schedule")?;
        journal
            .await
            .context("failed to end the reading of HubSpot's change journal")?;
        deliveries
            .await
            .context("failed to end the deliveries to webhooks")?;
        self.state.jobs.finish().await;
        served.context("failed to serve")
    }
}

/// The components that ship with the host.
pub(crate) const BUILT_IN: BuiltIn = BuiltIn {
    mapper: partneros_artifacts::HUBSPOT_MAPPER,
    expression: partneros_artifacts::EXPRESSION,
};

async fn plugins(config: &Config) -> anyhow::Result<Plugins> {
    let mut settings = config.runtime.clone();
    settings
        .cache_dir
        .get_or_insert_with(|| config.data_dir.join("compiled"));
    let load = move || {
        let runtime = Runtime::new(settings)?;
        Ok::<_, anyhow::Error>(Plugins::new(runtime, BUILT_IN)?)
    };
    tokio::task::spawn_blocking(load)
        .await?
        .context("failed to load the default mapper")
}

/// What reads HubSpot's change journal; none unless it is turned on.
fn journal(
    config: &Config,
    http: &Http,
    oauth: Option<&Arc<OAuth>>,
    engine: &Engine,
    stop: &CancellationToken,
) -> Option<JournalReader> {
    let app = config.hubspot.client_id.clone()?;
    let environment = engine.parts().environment.as_ref();
    let client = journal_client(config, http, oauth?, environment, stop)?;
    let settings = config.hubspot.journal;
    Some(JournalReader::new(engine.clone(), client, app, settings))
}

/// The way to HubSpot's change journal; none unless it is turned on.
pub(crate) fn journal_client(
    config: &Config,
    http: &Http,
    oauth: &Arc<OAuth>,
    environment: &dyn Environment,
    stop: &CancellationToken,
) -> Option<JournalClient> {
    if !config.hubspot.journal.enabled {
        return None;
    }
    let mut seed = [0; 8];
    environment.random(&mut seed);
    let client = JournalConfig {
        api_base: config.hubspot.api_base.clone(),
        retry: RetryConfig::default(),
        jitter_seed: u64::from_le_bytes(seed),
        cancel: stop.clone(),
    };
    Some(JournalClient::new(http, client, Arc::clone(oauth)))
}

/// The configured app; none without its credentials.
pub(crate) fn oauth(config: &Config, http: &Http) -> anyhow::Result<Option<Arc<OAuth>>> {
    let HubSpotConfig {
        client_id,
        client_secret,
        ..
    } = &config.hubspot;
    let (client_id, client_secret) = match (client_id, client_secret) {
        (Some(id), Some(secret)) => (id.clone(), secret.clone()),
        (None, None) => return Ok(None),
        _ => anyhow::bail!(
            "failed to read the configuration: `hubspot.client_id` and `hubspot.client_secret` belong together"
        ),
    };
    let redirect = format!(
        "{}/{CALLBACK_PATH}",
        config.public_url.as_str().trim_end_matches('/')
    );
    let app = OAuthConfig {
        authorize_base: config.hubspot.authorize_base.clone(),
        api_base: config.hubspot.api_base.clone(),
        version: config.hubspot.oauth_version,
        ..OAuthConfig::new(client_id, client_secret, redirect)
    };
    Ok(Some(Arc::new(OAuth::new(http.clone(), app))))
}
