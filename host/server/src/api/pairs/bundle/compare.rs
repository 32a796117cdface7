//! `POST /api/pairs/{pairId}/bundle/compare`: what a bundle would change.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BundleView, ComparisonView};
use crate::api::body::Body;
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A bundle to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareBundle {
    /// As it was exported.
    bundle: BundleView,
}

/// A comparison under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparisonBody {
    pub(super) comparison: ComparisonView,
}

/// Compares a pair with a bundle: what would change, which plugins are missing, what is wrong with the mappings here, and
/// which fixtures come out differently. Nothing is written.
#[utoipa::path(post, path = "/api/pairs/{pairId}/bundle/compare", tag = "pairs", operation_id = "compareBundle",
    params(PairPath), request_body = CompareBundle,
    responses(
        (status = 200, description = "What would change.", body = ComparisonBody),
        (status = 400, description = "`invalid_bundle`, `invalid_pair`, `invalid_mappings`, `invalid_parts`, `invalid_sample`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
        (status = 503, description = "`busy`: too many trials at a time.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<PairPath>,
    Body(body): Body<CompareBundle>,
) -> Result<Json<ComparisonBody>, Problem> {
    let _slot = state.trials.slot()?;
    let bundle = body.bundle.checked(&state, &caller, path.pair_id).await?;
    let comparison = state
        .engine
        .compare(caller.organization, path.pair_id, &bundle)
        .await?;
    Ok(Json(ComparisonBody {
        comparison: comparison.into(),
    }))
}
