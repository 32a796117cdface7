//! `DELETE /api/plugins/keys/{name}`: trusts a key no longer.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use serde_json::json;

use crate::api::Success;
use crate::api::path::{Path, PluginPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Trusts a key no longer. Versions that it signed stay.
#[utoipa::path(delete, path = "/api/plugins/keys/{name}", tag = "plugins", operation_id = "deleteTrustedKey",
    params(PluginPath),
    responses(
        (status = 200, description = "Removed.", body = Success),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Path(path): Path<PluginPath>,
) -> Result<Json<Success>, Problem> {
    let organization = caller.organization;
    state
        .store
        .delete_trusted_key(organization, &path.name)
        .await?;
    state
        .engine
        .note(
            organization,
            &caller.actor,
            EventType::PluginKeyDeleted,
            &path.name,
            json!({}),
        )
        .await?;
    Ok(Json(Success::YES))
}
