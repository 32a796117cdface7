//! `POST /api/plugins/versions/{versionId}/release`: ends a quarantine.

use axum::Json;
use axum::extract::State;
use serde_json::json;

use super::{ACTOR, VersionBody};
use crate::api::path::{Path, VersionPath};
use crate::auth::Caller;
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

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
    state.store.release_version(organization, digest).await?;
    state
        .engine
        .note(
            organization,
            ACTOR,
            "plugin.released",
            &digest.to_string(),
            json!({}),
        )
        .await?;
    let version = state.store.plugin_version(organization, digest).await?;
    Ok(Json(version.into()))
}
