//! `POST /api/pairs/{pairId}/bundle`: sets a pair up like a bundle.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::BundleView;
use super::compare::ComparisonBody;
use crate::api::body::Body;
use crate::api::mappings;
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A bundle to take over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportBundle {
    /// As it was exported.
    bundle: BundleView,
    /// The version of the pair's mappings that the bundle was compared with.
    version: i64,
    /// Whether fixtures may come out differently here.
    #[serde(default)]
    accept_differences: bool,
}

/// Sets a pair up like a bundle, in one step. A pair that syncs looks at every record again; one that is set up like the
/// bundle already is left alone.
#[utoipa::path(post, path = "/api/pairs/{pairId}/bundle", tag = "pairs", operation_id = "importBundle",
    params(PairPath), request_body = ImportBundle,
    responses(
        (status = 200, description = "What changed.", body = ComparisonBody),
        (status = 400, description = "`invalid_bundle`, `invalid_pair`, `invalid_mappings`, `invalid_parts`, `invalid_sample`, `too_many_fields`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`plugins_missing` or `fixtures_differ`.", body = ErrorBody),
        (status = 412, description = "`version_mismatch`: the pair has changed since it was compared.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
        (status = 503, description = "`busy`: too many trials at a time.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<PairPath>,
    Body(body): Body<ImportBundle>,
) -> Result<Json<ComparisonBody>, Problem> {
    let _slot = state.trials.slot()?;
    let bundle = body.bundle.checked(&state, &caller, path.pair_id).await?;
    mappings::check_count(&state, bundle.mappings.0.len())?;
    let (version, accepts) = (body.version, body.accept_differences);
    let imported = state
        .engine
        .import(
            caller.organization,
            &caller.actor,
            path.pair_id,
            bundle,
            version,
            accepts,
        )
        .await;
    let changed = imported.map_err(|error| mappings::changed(error, version))?;
    Ok(Json(ComparisonBody {
        comparison: changed.into(),
    }))
}
