//! `POST /api/plugins/versions/{versionId}/release`: ends a quarantine.

use super::VersionBody;
use crate::api::path::{Path, VersionPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;

/// Ends the quarantine of a version, which can be bound again.
#[utoipa::path(post, path = "/api/plugins/versions/{versionId}/release", tag = "plugins", operation_id = "releasePluginVersion",
    params(VersionPath),
    responses(
        (status = 200, description = "The version.", body = VersionBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Path(path): Path<VersionPath>,
) -> Result<Json<VersionBody>, Problem> {
    let (organization, digest) = (caller.organization, path.version_id);
    state
        .engine
        .release(organization, &caller.actor, digest)
        .await?;
    let version = state.store.plugin_version(organization, digest).await?;
    Ok(Json(version.into()))
}
