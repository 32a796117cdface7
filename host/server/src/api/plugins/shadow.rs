//! `POST /api/plugins/bindings/shadow`: tries versions beside what runs.

use axum::Json;
use axum::extract::State;
use partneros_store::{Candidate, MapperParts};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{BindingBody, ScopeForm, ScopeView, refused};
use crate::api::body::Body;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What is to be tried where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shadow {
    /// Where: `"organization"`, `{"connection": id}` or `{"pair": id}`.
    #[schema(value_type = ScopeForm)]
    scope: ScopeView,
    /// Versions by sha256, as in a binding; null ends the trial.
    #[schema(value_type = Option<Vec<String>>)]
    parts: Option<MapperParts>,
    /// After how many records of a pair it takes over by itself, if no call of it failed and no more cells than of what
    /// runs; left out, a person decides.
    #[serde(default)]
    promote_after_rows: Option<u64>,
    /// How many of a thousand values may differ for that; 0 unless given.
    #[serde(default)]
    differing_max_permille: u32,
}

/// Tries versions on live batches beside what runs, without effect. `GET /api/pairs/{pairId}/shadow` tells what would have
/// been different.
#[utoipa::path(post, path = "/api/plugins/bindings/shadow", tag = "plugins", operation_id = "shadowPlugin",
    request_body = Shadow,
    responses(
        (status = 200, description = "The binding with its candidate.", body = BindingBody),
        (status = 400, description = "`invalid_json`, `invalid_body` or `invalid_parts`.", body = ErrorBody),
        (status = 404, description = "`not_found`: a version, the connection, the pair, or a trial to end.", body = ErrorBody),
        (status = 409, description = "`plugin_conflict` or `plugin_quarantined`.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Body(body): Body<Shadow>,
) -> Result<Json<BindingBody>, Problem> {
    let candidate = body.parts.map(|parts| Candidate {
        parts,
        started_at: state.environment.now(),
        promote_after_rows: body.promote_after_rows,
        differing_max_permille: body.differing_max_permille,
    });
    let binding = state
        .engine
        .try_beside(
            caller.organization,
            &caller.actor,
            body.scope.into(),
            candidate,
        )
        .await
        .map_err(refused)?;
    Ok(Json(BindingBody {
        binding: binding.into(),
        digest: None,
    }))
}
