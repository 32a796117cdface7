//! One process of the host: the engine as the server assembles it, on a database and a network that stop at every step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use hubspot_sim::{Clock, Sim, http};
use partneros_domain::{OrganizationId, Timestamp};
use partneros_hubspot::{ApiVersion, OAuth, OAuthConfig, RetryConfig};
use partneros_store::{Sqlite, Steps, Store};
use partneros_sync::{
    AlertSettings, AuditSettings, Engine, Environment, HttpPortals, Parts, PortalsConfig,
    SyncSettings,
};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::ledger::Ledger;
use crate::points::Points;
use crate::template::Template;
use crate::wire::{SimWire, Workflow};

/// Few objects on a page, so that few objects make several.
pub(crate) const PAGE_ROWS: usize = 3;
/// The archive is read so often that it is read in the middle of most simulations.
const ARCHIVED_INTERVAL_MS: u64 = 60_000;
/// So is the portal's schema, where it changes. It is long: to read it for nothing took most of a simulation's time.
const SCHEMA_REFRESH_MS: u64 = 300_000;
/// So are all linked objects.
const RECHECK_INTERVAL_MS: u64 = 300_000;
/// What the store calls that which changes records in a sync.
const COMMITS: [&str; 2] = ["commit a batch of a sync", "end and restore links"];

/// The clock and the chance of a process.
#[derive(Debug)]
pub struct SimEnvironment {
    clock: Clock,
    points: Arc<Points>,
}

impl Environment for SimEnvironment {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn random(&self, bytes: &mut [u8]) {
        self.points.fill(bytes);
    }

    fn computes_inline(&self) -> bool {
        true
    }
}

/// The points around the database; what a commit did is seen before anything else happens.
#[derive(Debug)]
struct WatchedSteps {
    points: Arc<Points>,
    ledger: Arc<Ledger>,
    database: Sqlite,
    organization: OrganizationId,
    committing: AtomicBool,
}

#[async_trait]
impl Steps for WatchedSteps {
    async fn step(&self, operation: &'static str) {
        if COMMITS.contains(&operation) {
            let looked = self.ledger.look(&self.database, self.organization).await;
            if let Err(error) = looked {
                self.ledger.violated(|| error.to_string());
            }
            // Called before a commit and after it.
            if self.committing.fetch_not(Ordering::Relaxed) {
                self.ledger.kept(self.points.process());
            }
        }
        self.points.pass(operation).await;
    }
}

/// HubSpot: what there is, its clock, and its API over both.
#[derive(Debug, Clone)]
pub struct HubSpot {
    /// The portal.
    pub sim: Arc<Mutex<Sim>>,
    /// Its clock.
    pub clock: Clock,
    api: Router,
}

impl HubSpot {
    /// A portal with a clock of its own.
    pub fn new(sim: Sim, clock: Clock) -> Self {
        let sim = Arc::new(Mutex::new(sim));
        Self {
            api: http::router(Arc::clone(&sim), clock.clone()),
            sim,
            clock,
        }
    }
}

/// What a process meets in HubSpot.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meets {
    /// A workflow that rewrites this field.
    pub rewrites: Option<usize>,
    /// Properties or options that go and come.
    pub schema_changes: bool,
}

/// A process.
#[derive(Debug, Clone)]
pub struct Process {
    /// What syncs.
    pub engine: Engine,
    /// Its clock.
    pub environment: Arc<SimEnvironment>,
}

impl Process {
    /// Starts with nothing in memory.
    pub fn begin(
        template: &Template,
        hubspot: &HubSpot,
        clock: &Clock,
        points: &Arc<Points>,
        ledger: &Arc<Ledger>,
        database: &Sqlite,
        meets: Meets,
    ) -> Self {
        ledger.begun(points.process());
        let environment = Arc::new(SimEnvironment {
            clock: clock.clone(),
            points: Arc::clone(points),
        });
        let workflow = meets.rewrites.map(|field| Workflow {
            sim: Arc::clone(&hubspot.sim),
            clock: hubspot.clock.clone(),
            field,
        });
        let wire = SimWire::new(
            hubspot.api.clone(),
            Arc::clone(points),
            Arc::clone(ledger),
            workflow,
        );
        let http = template.http.clone().over(Arc::new(wire));
        let api_base: Url = "http://hubspot.invalid".parse().expect("an address");
        let app = template.sim.config.app.clone();
        let oauth = OAuthConfig {
            authorize_base: api_base.clone(),
            api_base: api_base.clone(),
            ..OAuthConfig::new(
                app.client_id,
                SecretString::from(app.client_secret),
                "http://localhost/callback",
            )
        };
        let stop = CancellationToken::new();
        let steps = WatchedSteps {
            points: Arc::clone(points),
            ledger: Arc::clone(ledger),
            database: database.clone(),
            organization: template.organization,
            committing: AtomicBool::new(false),
        };
        let store = database.clone().stepped_by(Arc::new(steps));
        let store: Arc<dyn Store> = Arc::new(store);
        let portals = HttpPortals::new(
            PortalsConfig {
                api_base,
                version: ApiVersion::default(),
                app: None,
                retry: RetryConfig::default(),
            },
            http.clone(),
            Some(Arc::new(OAuth::new(http, oauth))),
            Arc::clone(&store),
            Arc::clone(&environment) as _,
            stop.clone(),
        );
        let usual = SyncSettings::default();
        let parts = Parts {
            store,
            portals: Arc::new(portals),
            plugins: template.plugins.clone(),
            environment: Arc::clone(&environment) as _,
            settings: SyncSettings {
                page_rows: PAGE_ROWS,
                archived_interval_ms: ARCHIVED_INTERVAL_MS,
                recheck_interval_ms: RECHECK_INTERVAL_MS,
                schema_refresh_ms: if meets.schema_changes {
                    SCHEMA_REFRESH_MS
                } else {
                    usual.schema_refresh_ms
                },
                ..usual
            },
            audit: AuditSettings::default(),
            alerts: AlertSettings::default(),
        };
        Self {
            engine: Engine::new(parts, stop),
            environment,
        }
    }
}
