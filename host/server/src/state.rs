//! What every handler shares: the engine, the store, the connect flow, background jobs and the limits on input.
//!
//! Invariant: work that outlives its request is a job, and the host waits for jobs before it stops.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use partneros_store::{Store, TokenSet};
use partneros_sync::{Engine, Environment};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use url::Url;

use crate::auth::{Auth, RateLimits};
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::registry::Registries;
use crate::webhooks::WebhooksConfig;

/// What handlers work with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    /// The sync engine.
    pub engine: Engine,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Time and randomness.
    pub environment: Arc<dyn Environment>,
    /// How portals are authorised; none when no HubSpot app is configured.
    pub connect: Option<Arc<dyn ConnectFlow>>,
    /// Work that outlives its request.
    pub jobs: Jobs,
    /// Room for uploads, which are checked in memory.
    pub uploads: Jobs,
    /// Cancelled when the host stops.
    pub stop: CancellationToken,
    /// Room for streams of changes.
    pub streams: Jobs,
    /// Room for trials of mappings, which call plugins.
    pub trials: Jobs,
    /// Where plugins may be pulled from.
    pub registries: Arc<Registries>,
    /// How people sign in.
    pub auth: Arc<Auth>,
    /// How fast callers may ask.
    pub rates: Arc<RateLimits>,
    /// What is recorded for Prometheus, if anything is.
    pub metrics: Option<Metrics>,
    /// Where messages to webhooks may go.
    pub webhooks: WebhooksConfig,
    /// Limits on input.
    pub limits: ApiLimits,
}

/// HubSpot's authorisation of a portal, as far as the API needs it.
#[async_trait]
pub trait ConnectFlow: Send + Sync + fmt::Debug {
    /// Where a person authorises the app. `state` comes back to the callback.
    fn authorize_url(&self, state: &str) -> Url;

    /// Exchanges the code that came with the callback.
    async fn exchange(&self, code: &SecretString) -> Result<Granted, ConnectError>;

    /// Has HubSpot forget what it granted, and remove the app from the portal if `uninstall` says so.
    async fn end(&self, tokens: &TokenSet, uninstall: bool) -> Ending;
}

/// What HubSpot did about the end of what it had granted.
#[derive(Debug)]
pub struct Ending {
    /// Whether the refresh token works no more.
    pub revoked: Result<(), partneros_hubspot::Error>,
    /// Whether the app is gone from the portal; none unless that was asked for.
    pub uninstalled: Option<Result<(), partneros_hubspot::Error>>,
}

/// What an authorised portal grants.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The portal.
    pub portal_id: i64,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// For API calls.
    pub access: SecretString,
    /// How long the access token works from when it was granted.
    pub expires_in: Duration,
    /// For new access tokens.
    pub refresh: Option<SecretString>,
}

/// A code that could not be exchanged.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// HubSpot refused, or did not answer.
    #[error("failed to exchange the code with HubSpot")]
    Exchange(#[source] partneros_hubspot::Error),
    /// HubSpot did not say which portal the tokens are for.
    #[error("failed to learn from HubSpot which portal was authorised")]
    NoPortal,
}

/// Limits on what callers send. A value beyond one is refused with a code and a message that names the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApiLimits {
    /// The longest body. Default 1 MiB, a full batch of records of 1 KiB. Beyond it: 413 `body_too_large`.
    pub body_bytes_max: usize,
    /// The most records of a batch. Default 1,000, which keeps the write lock for tens of milliseconds. Beyond it: 400
    /// `batch_too_large`.
    pub batch_records_max: usize,
    /// How many requests a second one token or session may make. Default 250, and twice as many at once; 0 is no limit. Beyond
    /// it: 429 `rate_limited` with `Retry-After`.
    pub requests_per_second_max: u32,
    /// How many entries a page has unless the caller asks otherwise. Default 100.
    pub page_entries_default: usize,
    /// The most entries of a page. Default 500. Beyond it: 400 `invalid_query`.
    pub page_entries_max: usize,
    /// The most fields a record, and the most mappings a pair, may name in one request. Default 500; no object has as
    /// many. Beyond it: 400 `too_many_fields`.
    pub fields_max: usize,
    /// How long a person may take to authorise a portal. Default 600,000 (10 minutes). Then: 400 `invalid_state`.
    pub connect_ms_max: u32,
    /// The most background jobs at a time. Default 64; each may hold a page of records and a mapper's memory. Beyond
    /// it: 503 `busy`.
    pub jobs_max: usize,
    /// The most plugins that are uploaded or pulled at a time. Default 4; each is held in memory while it is checked.
    /// Beyond it: 503 `busy`.
    pub uploads_max: usize,
    /// The most mappings and bundles that are tried at a time. Default 8; each calls plugins with a batch of samples. Beyond
    /// it: 503 `busy`.
    pub trials_max: usize,
    /// The most streams of changes that are open at a time. Default 256; each asks the database once a second. Beyond it: 503
    /// `busy`.
    pub streams_max: usize,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1 << 20,
            batch_records_max: 1_000,
            requests_per_second_max: 250,
            page_entries_default: 100,
            page_entries_max: 500,
            fields_max: 500,
            connect_ms_max: 600_000,
            jobs_max: 64,
            uploads_max: 4,
            trials_max: 8,
            streams_max: 256,
        }
    }
}

/// Work that outlives its request. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Jobs {
    tracker: TaskTracker,
    slots: Arc<Semaphore>,
}

impl Jobs {
    /// At most `max` background jobs at a time.
    pub fn new(max: usize) -> Self {
        Self {
            tracker: TaskTracker::new(),
            slots: Arc::new(Semaphore::new(max)),
        }
    }

    /// A place for a background job. Taken before anything is written that only the job completes.
    pub fn slot(&self) -> Result<Slot, Problem> {
        let refuse = |code, message: &str| {
            Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                &message,
            ))
        };
        if self.is_stopping() {
            return refuse("stopping", "failed because the host is shutting down");
        }
        match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(permit) => Ok(Slot {
                tracker: self.tracker.clone(),
                _permit: permit,
            }),
            Err(_) => refuse(
                "busy",
                "failed because too many jobs are under way; try again in a while",
            ),
        }
    }

    /// Runs a request's own work to its end, also when the caller hangs up.
    pub(crate) fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tracker.spawn(work.in_current_span())
    }

    /// Whether [`Self::finish`] was called.
    pub fn is_stopping(&self) -> bool {
        self.tracker.is_closed()
    }

    /// Takes no more background jobs and waits for those under way.
    pub async fn finish(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// A place for one background job.
#[derive(Debug)]
pub struct Slot {
    tracker: TaskTracker,
    _permit: OwnedSemaphorePermit,
}

impl Slot {
    /// Runs the job. It logs its own failures, since nobody waits for it.
    pub fn run(self, work: impl Future<Output = ()> + Send + 'static) {
        let tracker = self.tracker.clone();
        let job = async move {
            work.await;
            drop(self);
        };
        tracker.spawn(job.in_current_span());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn finish_waits_for_jobs_and_takes_no_more() {
        let jobs = Jobs::new(1);
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let (done, is_done) = tokio::sync::oneshot::channel();
        jobs.slot().unwrap().run(async move {
            released.await.unwrap();
            done.send(()).unwrap();
        });
        assert_eq!(jobs.slot().unwrap_err().code(), "busy");
        let finishing = tokio::spawn({
            let jobs = jobs.clone();
            async move { jobs.finish().await }
        });
        release.send(()).unwrap();
        finishing.await.unwrap();
        is_done.await.unwrap();
        assert_eq!(jobs.slot().unwrap_err().code(), "stopping");
    }
}
