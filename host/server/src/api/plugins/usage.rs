//! `GET /api/pairs/{pairId}/plugin-usage`: what plugins took for a pair, by day.

use axum::Json;
use axum::extract::State;
use partneros_domain::Digest;
use partneros_store::PluginUsage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// How many days back usage is shown.
const DAYS_SHOWN: i64 = 90;

/// What plugins took.
#[derive(Debug, Serialize, ToSchema)]
pub struct Usage {
    /// By day and version, the earliest day first.
    usage: Vec<UsageView>,
}

/// What one version took on one day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PluginUsage)]
pub struct UsageView {
    /// The day in UTC, such as `2026-11-23`.
    #[schema(value_type = String, format = Date)]
    day: String,
    /// What ran, by sha256: an uploaded version, a composition of several, or a plugin that ships with the host.
    #[schema(value_type = String)]
    sha256: Digest,
    /// Calls.
    calls: u64,
    /// Of those, failed.
    failed_calls: u64,
    /// Records that it was given.
    rows: u64,
    /// Fuel.
    fuel: u64,
    /// Time in microseconds.
    duration_us: u64,
    /// The most memory that one call used.
    memory_bytes_peak: u64,
}

impl From<PluginUsage> for UsageView {
    fn from(usage: PluginUsage) -> Self {
        let began = partneros_domain::Timestamp(usage.day.saturating_mul(DAY_MS)).to_string();
        let day = began.split('T').next().unwrap_or_default();
        Self {
            day: day.to_owned(),
            sha256: usage.digest,
            calls: usage.calls,
            failed_calls: usage.failed_calls,
            rows: usage.rows,
            fuel: usage.fuel,
            duration_us: usage.duration_us,
            memory_bytes_peak: usage.memory_bytes_peak,
        }
    }
}

/// Shows what plugins took for a pair, by day, for the last 90 days.
#[utoipa::path(get, path = "/api/pairs/{pairId}/plugin-usage", tag = "plugins", operation_id = "getPluginUsage",
    params(PairPath),
    responses(
        (status = 200, description = "The usage.", body = Usage),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
) -> Result<Json<Usage>, Problem> {
    let today = state.environment.now().as_millis().div_euclid(DAY_MS);
    let usage = state
        .store
        .plugin_usage(caller.organization, Some(path.pair_id), today - DAYS_SHOWN)
        .await?;
    Ok(Json(Usage {
        usage: usage.into_iter().map(UsageView::from).collect(),
    }))
}
