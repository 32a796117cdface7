//! `POST /api/plugins/versions/{versionId}/release`: ends a quarantine.

use super::{ACTOR, VersionBody};
use crate::api::path::{Path, VersionPath};
use crate::auth::Caller;
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
    caller: Caller,
    Path(path): Path<VersionPath>,
) -> Result<Json<VersionBody>, Problem> {
    let (organization, digest) = (caller.organization, path.version_id);
    state.engine.release(organization, ACTOR, digest).await?;
    let version = state.store.plugin_version(organization, digest).await?;
    Ok(Json(version.into()))
}
