//! `DELETE /api/plugins/versions/{versionId}`: removes a version that nothing uses.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use serde_json::json;

use super::of_conflict;
use crate::api::Success;
use crate::api::path::{Path, VersionPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Removes a version. One that is bound, that a binding could go back to, or that a mapping names is kept.
#[utoipa::path(delete, path = "/api/plugins/versions/{versionId}", tag = "plugins", operation_id = "deletePluginVersion",
    params(VersionPath),
    responses(
        (status = 200, description = "Removed.", body = Success),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`plugin_conflict`: it is in use.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Path(path): Path<VersionPath>,
) -> Result<Json<Success>, Problem> {
    state
        .store
        .delete_plugin_version(caller.organization, path.version_id)
        .await
        .map_err(of_conflict)?;
    let subject = path.version_id.to_string();
    state
        .engine
        .note(
            caller.organization,
            &caller.actor,
            EventType::PluginDeleted,
            &subject,
            json!({}),
        )
        .await?;
    Ok(Json(Success::YES))
}
