//! `POST /api/plugins/versions/{versionId}/quarantine`: takes a version out of use.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::VersionBody;
use crate::api::body::Body;
use crate::api::path::{Path, VersionPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// The longest reason, in characters; the rest is cut off.
const REASON_CHARS_MAX: usize = 500;

/// Why a version is taken out of use.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// For those who would use it.
    reason: String,
}

/// Takes a version out of use: pairs that are bound to it stop until another is bound.
#[utoipa::path(post, path = "/api/plugins/versions/{versionId}/quarantine", tag = "plugins", operation_id = "quarantinePluginVersion",
    params(VersionPath), request_body = Quarantine,
    responses(
        (status = 200, description = "The version.", body = VersionBody),
        (status = 400, description = "`invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Path(path): Path<VersionPath>,
    Body(body): Body<Quarantine>,
) -> Result<Json<VersionBody>, Problem> {
    let (organization, digest) = (caller.organization, path.version_id);
    let reason: String = body.reason.chars().take(REASON_CHARS_MAX).collect();
    let at = state.environment.now();
    state
        .store
        .quarantine_version(organization, digest, &reason, at)
        .await?;
    let metadata = json!({"reason": reason});
    state
        .engine
        .note(
            organization,
            &caller.actor,
            EventType::PluginQuarantined,
            &digest.to_string(),
            metadata,
        )
        .await?;
    let version = state.store.plugin_version(organization, digest).await?;
    Ok(Json(version.into()))
}
