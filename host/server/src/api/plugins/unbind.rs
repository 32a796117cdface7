//! `POST /api/plugins/bindings/remove`: lets a scope follow the wider one again.

use axum::Json;
use axum::extract::State;

use super::{InScope, refused};
use crate::api::Success;
use crate::api::body::Body;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Removes the binding of a scope, which follows the wider scope from then on. Without one, nothing happens.
#[utoipa::path(post, path = "/api/plugins/bindings/remove", tag = "plugins", operation_id = "unbindPlugin",
    request_body = InScope,
    responses(
        (status = 200, description = "Removed.", body = Success),
        (status = 400, description = "`invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`: the connection or the pair.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Body(body): Body<InScope>,
) -> Result<Json<Success>, Problem> {
    state
        .engine
        .unbind(caller.organization, &caller.actor, body.scope.into())
        .await
        .map_err(refused)?;
    Ok(Json(Success::YES))
}
