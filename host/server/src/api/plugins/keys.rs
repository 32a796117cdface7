//! `GET /api/plugins/keys`: the keys whose signatures count.

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use partneros_domain::Timestamp;
use partneros_store::TrustedKey;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// The trusted keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrustedKeys {
    /// By name. While there are any, every upload must be signed by one of them.
    keys: Vec<KeyView>,
}

/// A trusted key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TrustedKey)]
pub struct KeyView {
    /// Whose it is.
    name: String,
    /// The Ed25519 public key in base64.
    public_key: String,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<TrustedKey> for KeyView {
    fn from(key: TrustedKey) -> Self {
        Self {
            name: key.name,
            public_key: BASE64_STANDARD.encode(key.public_key),
            created_at: key.created_at,
        }
    }
}

/// Lists the keys whose signatures count.
#[utoipa::path(get, path = "/api/plugins/keys", tag = "plugins", operation_id = "listTrustedKeys",
    responses((status = 200, description = "The keys.", body = TrustedKeys), (status = 401, description = "`unauthorized`.", body = ErrorBody)))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
) -> Result<Json<TrustedKeys>, Problem> {
    let keys = state.store.trusted_keys(caller.organization).await?;
    Ok(Json(TrustedKeys {
        keys: keys.into_iter().map(KeyView::from).collect(),
    }))
}
