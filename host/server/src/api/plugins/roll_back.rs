//! `POST /api/plugins/bindings/rollback`: goes back to what ran before.

use super::{BindingBody, InScope, refused};
use crate::api::body::Body;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;

/// Goes back to what ran in a scope before; doing it again goes ahead.
#[utoipa::path(post, path = "/api/plugins/bindings/rollback", tag = "plugins", operation_id = "rollBackPlugin",
    request_body = InScope,
    responses(
        (status = 200, description = "The binding.", body = BindingBody),
        (status = 400, description = "`invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`: the binding.", body = ErrorBody),
        (status = 409, description = "`plugin_conflict`: nothing ran before; or `plugin_quarantined`.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Body(body): Body<InScope>,
) -> Result<Json<BindingBody>, Problem> {
    let back = state
        .engine
        .roll_back(caller.organization, &caller.actor, body.scope.into())
        .await;
    Ok(Json(back.map_err(refused)?.into()))
}
