//! `GET /api/plugins/versions/{versionId}/logs`: what a version said in its newest calls.

use axum::Json;
use axum::extract::State;
use partneros_domain::{PairId, Timestamp};
use partneros_store::PluginCallLog;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::path::{Path, VersionPath};
use crate::api::query::{Paging, Query};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of calls.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginLogPage {
    calls: Vec<CallView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// A call that failed, logged something or reported problems.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PluginCall)]
pub struct CallView {
    /// For which pair; null when it is gone.
    #[schema(value_type = Option<uuid::Uuid>)]
    pair_id: Option<PairId>,
    /// What was called.
    function: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Records of the batch.
    rows: u64,
    /// `ok`, or what went wrong.
    outcome: String,
    /// The end of what it wrote to standard output and standard error.
    log: String,
    /// The first problems that it reported: `rule`, `row`, `code` and `message`.
    #[schema(value_type = Vec<Object>)]
    problems: Value,
    /// Fuel.
    fuel: u64,
    /// Time in microseconds.
    duration_us: u64,
}

impl From<PluginCallLog> for CallView {
    fn from(call: PluginCallLog) -> Self {
        Self {
            pair_id: call.pair,
            function: call.function,
            at: call.at,
            rows: call.rows,
            outcome: call.outcome,
            log: call.log,
            problems: call.problems,
            fuel: call.fuel,
            duration_us: call.duration_us,
        }
    }
}

/// Lists the newest calls in which a version failed, logged or reported problems. The oldest are forgotten.
#[utoipa::path(get, path = "/api/plugins/versions/{versionId}/logs", tag = "plugins", operation_id = "listPluginLogs",
    params(VersionPath, Paging),
    responses(
        (status = 200, description = "A page of calls.", body = PluginLogPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<VersionPath>,
    Query(paging): Query<Paging>,
) -> Result<Json<PluginLogPage>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let (organization, digest) = (caller.organization, path.version_id);
    state.store.plugin_version(organization, digest).await?;
    let page = state
        .store
        .plugin_logs(organization, digest, cursor, limit)
        .await?;
    Ok(Json(PluginLogPage {
        calls: page.items.into_iter().map(CallView::from).collect(),
        next_cursor: page.next,
    }))
}
