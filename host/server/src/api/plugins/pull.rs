//! `POST /api/plugins/pull`: takes a version of a plugin from a registry.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::accept::{Offer, accept};
use super::{VersionBody, signature};
use crate::api::body::Body;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::registry::{Pin, named};
use crate::state::AppState;

/// What to pull, and of which plugin it is a version.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PullPlugin {
    /// The plugin, such as `acme-mapper`; it is made by its first version.
    name: String,
    /// Where the component is: `registry.example.com/acme/mapper:1.2`, or `registry.example.com/acme/mapper@sha256:…` with
    /// the digest of the manifest.
    reference: String,
    /// The sha256 of the component, with or without `sha256:` before it. A reference without a digest needs it.
    #[serde(default)]
    digest: Option<String>,
}

/// Takes a version of a plugin from an OCI registry that the host's configuration lists. The digest says which bytes are
/// meant, that of the manifest in the reference or that of the component beside it: a tag that was moved is refused. What is
/// pulled goes through the same checks as an upload.
///
/// Where the organization trusts keys, `Partneros-Signature` or the manifest's annotation `partneros.signature` must be a
/// detached Ed25519 signature of the component in base64.
#[utoipa::path(post, path = "/api/plugins/pull", tag = "plugins", operation_id = "pullPlugin",
    request_body = PullPlugin,
    responses(
        (status = 200, description = "The version, staged, and what the checks found.", body = VersionBody),
        (status = 400, description = "`invalid_json`, `invalid_body`, `invalid_name`, `invalid_reference`, `invalid_digest` or `digest_required`.", body = ErrorBody),
        (status = 409, description = "`pulling_off`: the host lists no registry; `plugin_conflict`: the component is a version of another plugin.", body = ErrorBody),
        (status = 413, description = "`body_too_large`: the component is too long.", body = ErrorBody),
        (status = 422, description = "`registry_not_listed`, `registry_refused`, `invalid_artifact` or `digest_mismatch`; `plugin_rejected` with every problem, `signature_required` or `signature_untrusted`.", body = ErrorBody),
        (status = 503, description = "`registry_unavailable`, or `busy`: too many uploads at a time.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    headers: HeaderMap,
    Body(body): Body<PullPlugin>,
) -> Result<Json<VersionBody>, Problem> {
    signature::name(&body.name)?;
    let pin = Pin::new(&body.reference, body.digest.as_deref())?;
    let slot = state.uploads.slot()?;
    let bytes_max = state.engine.parts().plugins.runtime().component_bytes_max();
    let pulled = state.registries.pull(&pin, bytes_max).await?;
    let offer = Offer {
        plugin: body.name,
        component: pulled.component,
        signature: signature::sent(&headers),
        enclosed_signature: pulled.signature,
        origin: json!({"reference": pin.reference(), "manifest": named(&pulled.manifest)}),
    };
    let version = accept(&state, &caller, offer, slot).await?;
    Ok(Json(version.into()))
}
