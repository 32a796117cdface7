//! `GET /metrics`: counters and durations for Prometheus.
//!
//! The crates below record through the `metrics` facade, whose macros do nothing until a recorder is installed here. No label
//! names an organization, a portal or a value, so that the number of series is bounded and nothing about customers is in them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics::{Unit, describe_counter, describe_histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::problem::Problem;
use crate::state::AppState;

/// Where the metrics are.
pub const PATH: &str = "/metrics";
/// How often what the histograms took in is summed up.
const UPKEEP: Duration = Duration::from_secs(5);
/// Upper bounds of durations, in seconds: from a look-up by key to a long first sync.
const SECONDS: [f64; 15] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0,
];

/// Who may read the metrics.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// What a scraper sends as its bearer token to `/metrics`, at least 16 characters. Without one nothing is recorded and
    /// the route answers 404 `metrics_off`.
    #[schemars(with = "Option<String>")]
    pub token: Option<SecretString>,
}

/// The recorded metrics, and the token they are read with.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    token: SecretString,
    process: Arc<metrics_process::Collector>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics(..)")
    }
}

impl Metrics {
    /// Records from now on, if a token is configured. To be called once in a process.
    pub fn install(
        config: &MetricsConfig,
        stop: CancellationToken,
    ) -> anyhow::Result<Option<Self>> {
        const TOKEN_CHARS_MIN: usize = 16;
        let Some(token) = &config.token else {
            return Ok(None);
        };
        anyhow::ensure!(
            token.expose_secret().len() >= TOKEN_CHARS_MIN,
            "failed to read the configuration: `metrics.token` needs {TOKEN_CHARS_MIN} characters or more"
        );
        let handle = PrometheusBuilder::new()
            .set_buckets(&SECONDS)?
            .install_recorder()
            .context("failed to start recording metrics")?;
        describe();
        let process = metrics_process::Collector::default();
        process.describe();
        let kept = handle.clone();
        tokio::spawn(async move {
            while stop
                .run_until_cancelled(tokio::time::sleep(UPKEEP))
                .await
                .is_some()
            {
                kept.run_upkeep();
            }
        });
        Ok(Some(Self {
            handle,
            token: token.clone(),
            process: Arc::new(process),
        }))
    }

    /// Compares digests, so that the time it takes tells nothing about the token.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(header::AUTHORIZATION);
        let sent = sent.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        sent.is_some_and(|sent| {
            Sha256::digest(sent) == Sha256::digest(self.token.expose_secret().as_bytes())
        })
    }
}

/// Answers [`PATH`].
pub async fn handle(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let Some(metrics) = &state.metrics else {
        let message = "failed because metrics are off; set `metrics.token` to turn them on";
        return Problem::new(StatusCode::NOT_FOUND, "metrics_off", &message).into_response();
    };
    if !metrics.admits(&headers) {
        let message = "failed to authenticate: send `metrics.token` as the bearer token";
        return Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", &message)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            .into_response();
    }
    metrics.process.collect();
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics.handle.render()).into_response()
}

fn describe() {
    describe_counter!(
        "partneros_http_requests_total",
        "Requests to the API, by method, path pattern and status."
    );
    describe_histogram!(
        "partneros_http_request_duration_seconds",
        Unit::Seconds,
        "How long requests to the API took, by method and path pattern."
    );
    describe_counter!(
        "partneros_hubspot_journal_events_total",
        "Events of HubSpot's change journal, by outcome: taken, or skipped as of no use."
    );
    describe_counter!(
        "partneros_hubspot_requests_total",
        "Requests to HubSpot, by status; `none` when there was no answer."
    );
    describe_histogram!(
        "partneros_hubspot_request_duration_seconds",
        Unit::Seconds,
        "How long HubSpot took to answer."
    );
    describe_counter!(
        "partneros_sync_runs_total",
        "Runs of object pairs, by outcome."
    );
    describe_histogram!(
        "partneros_sync_run_duration_seconds",
        Unit::Seconds,
        "How long runs of object pairs took."
    );
    describe_counter!(
        "partneros_sync_records_total",
        "What runs did with records and objects, by `effect`."
    );
    describe_counter!(
        "partneros_plugin_calls_total",
        "Calls of plugins, by function and outcome."
    );
    describe_histogram!(
        "partneros_plugin_call_duration_seconds",
        Unit::Seconds,
        "How long calls of plugins took, by function."
    );
}
