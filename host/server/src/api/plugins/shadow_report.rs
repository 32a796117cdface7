//! `GET /api/pairs/{pairId}/shadow`: how what is tried beside a pair's mapper compares.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// How a candidate compares.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShadowReportBody {
    /// Counts of what both did, differing values by field with samples, failures, fuel and time; null when nothing was
    /// tried yet.
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
}

/// Tells how what is, or was last, tried beside a pair's mapper compares with it.
#[utoipa::path(get, path = "/api/pairs/{pairId}/shadow", tag = "plugins", operation_id = "getShadowReport",
    params(PairPath),
    responses(
        (status = 200, description = "The report.", body = ShadowReportBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
) -> Result<Json<ShadowReportBody>, Problem> {
    let report = state
        .store
        .shadow_report(caller.organization, path.pair_id)
        .await?;
    Ok(Json(ShadowReportBody { report }))
}
