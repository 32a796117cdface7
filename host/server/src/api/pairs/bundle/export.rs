//! `GET /api/pairs/{pairId}/bundle`: how a pair is set up.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::BundleView;
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A bundle under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct BundleBody {
    bundle: BundleView,
}

/// Tells how a pair is set up: settings, mappings, the digests of the plugins they need, and fixtures made of generated
/// values. No value of a record is in it.
#[utoipa::path(get, path = "/api/pairs/{pairId}/bundle", tag = "pairs", operation_id = "exportBundle",
    params(PairPath),
    responses(
        (status = 200, description = "The bundle.", body = BundleBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`plugin_quarantined`.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
        (status = 503, description = "`busy`: too many trials at a time.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
) -> Result<Json<BundleBody>, Problem> {
    let _slot = state.trials.slot()?;
    let bundle = state
        .engine
        .export(caller.organization, path.pair_id)
        .await?;
    Ok(Json(BundleBody {
        bundle: bundle.into(),
    }))
}
