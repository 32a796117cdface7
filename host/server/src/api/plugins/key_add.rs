//! `POST /api/plugins/keys`: trusts a key.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use partneros_store::TrustedKey;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{of_conflict, signature};
use crate::api::Success;
use crate::api::body::Body;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A key to trust.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddKey {
    /// Whose it is, such as `ci`: lower case letters, digits and hyphens.
    name: String,
    /// The Ed25519 public key in base64, as `partneros plugins keygen` prints it.
    public_key: String,
}

/// Trusts a key. From then on every upload must be signed by a trusted key.
#[utoipa::path(post, path = "/api/plugins/keys", tag = "plugins", operation_id = "addTrustedKey",
    request_body = AddKey,
    responses(
        (status = 200, description = "Trusted.", body = Success),
        (status = 400, description = "`invalid_json`, `invalid_body`, `invalid_name` or `invalid_key`.", body = ErrorBody),
        (status = 409, description = "`plugin_conflict`: the name or the key is taken.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Body(body): Body<AddKey>,
) -> Result<Json<Success>, Problem> {
    signature::name(&body.name)?;
    let key = TrustedKey {
        public_key: signature::public_key(&body.public_key)?,
        name: body.name,
        created_at: state.environment.now(),
    };
    let (name, public_key) = (key.name.clone(), body.public_key);
    let organization = caller.organization;
    state
        .store
        .put_trusted_key(organization, key)
        .await
        .map_err(of_conflict)?;
    let metadata = json!({"publicKey": public_key});
    state
        .engine
        .note(
            organization,
            &caller.actor,
            EventType::PluginKeyAdded,
            &name,
            metadata,
        )
        .await?;
    Ok(Json(Success::YES))
}
