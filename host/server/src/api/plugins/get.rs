//! `GET /api/plugins/versions/{versionId}`: one version with its report.

use super::VersionBody;
use crate::api::path::{Path, VersionPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;

/// Shows a version with what the checks found when it was uploaded.
#[utoipa::path(get, path = "/api/plugins/versions/{versionId}", tag = "plugins", operation_id = "getPluginVersion",
    params(VersionPath),
    responses(
        (status = 200, description = "The version.", body = VersionBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<VersionPath>,
) -> Result<Json<VersionBody>, Problem> {
    let version = state
        .store
        .plugin_version(caller.organization, path.version_id)
        .await?;
    Ok(Json(version.into()))
}
