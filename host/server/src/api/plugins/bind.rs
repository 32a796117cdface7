//! `POST /api/plugins/bindings`: lets versions run in a scope.

use axum::Json;
use axum::extract::State;
use partneros_store::MapperParts;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{BindingBody, ScopeForm, ScopeView, refused};
use crate::api::body::Body;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What is to run where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bind {
    /// Where: `"organization"`, `{"connection": id}` or `{"pair": id}`.
    #[schema(value_type = ScopeForm)]
    scope: ScopeView,
    /// Versions by sha256: layers, the topmost first, then the mapper; a last part that is a layer stands on the default
    /// mapper, and none at all is the default mapper itself.
    #[schema(value_type = Vec<String>)]
    parts: MapperParts,
}

/// Lets versions run in a scope, once they were composed and answered. What could not be mapped before is tried again;
/// values that both sides agree on stay as they are.
#[utoipa::path(post, path = "/api/plugins/bindings", tag = "plugins", operation_id = "bindPlugin",
    request_body = Bind,
    responses(
        (status = 200, description = "The binding.", body = BindingBody),
        (status = 400, description = "`invalid_json`, `invalid_body` or `invalid_parts`.", body = ErrorBody),
        (status = 404, description = "`not_found`: a version, the connection or the pair.", body = ErrorBody),
        (status = 409, description = "`plugin_conflict` or `plugin_quarantined`.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Body(body): Body<Bind>,
) -> Result<Json<BindingBody>, Problem> {
    let bound = state
        .engine
        .bind(
            caller.organization,
            &caller.actor,
            body.scope.into(),
            body.parts,
        )
        .await;
    Ok(Json(bound.map_err(refused)?.into()))
}
