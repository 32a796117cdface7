//! `GET /api/plugins/{name}/versions`: the versions of a plugin.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::VersionView;
use crate::api::path::{Path, PluginPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// The versions of a plugin.
#[derive(Debug, Serialize, ToSchema)]
pub struct Versions {
    /// Newest first.
    versions: Vec<VersionView>,
}

/// Lists the versions of a plugin, newest first.
#[utoipa::path(get, path = "/api/plugins/{name}/versions", tag = "plugins", operation_id = "listPluginVersions",
    params(PluginPath),
    responses(
        (status = 200, description = "The versions.", body = Versions),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PluginPath>,
) -> Result<Json<Versions>, Problem> {
    let versions = state
        .store
        .plugin_versions(caller.organization, &path.name)
        .await?;
    Ok(Json(Versions {
        versions: versions.iter().map(VersionView::from).collect(),
    }))
}
