//! `POST /api/plugins/bindings/promote`: lets what was tried take over.

use super::{BindingBody, InScope, refused};
use crate::api::body::Body;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;

/// Lets what is tried in a scope take over.
#[utoipa::path(post, path = "/api/plugins/bindings/promote", tag = "plugins", operation_id = "promotePlugin",
    request_body = InScope,
    responses(
        (status = 200, description = "The binding.", body = BindingBody),
        (status = 400, description = "`invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`: the connection or the pair.", body = ErrorBody),
        (status = 409, description = "`no_candidate`, `plugin_conflict` or `plugin_quarantined`.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Body(body): Body<InScope>,
) -> Result<Json<BindingBody>, Problem> {
    let promoted = state
        .engine
        .promote(caller.organization, &caller.actor, body.scope.into())
        .await;
    Ok(Json(promoted.map_err(refused)?.into()))
}
