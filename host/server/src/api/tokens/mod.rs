//! API tokens: what programs show.
//!
//! A token that a member makes is theirs: it never does more than they may, and goes with them.

pub mod create;
pub mod delete;
pub mod list;

use partneros_domain::{Role, Timestamp, TokenId};
use partneros_store::ApiToken;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::words;

/// An API token, without the token itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiToken)]
pub struct TokenView {
    /// The token's id.
    #[schema(value_type = uuid::Uuid)]
    id: TokenId,
    /// What it is for; the audit log names whoever uses it by this.
    name: String,
    /// The address of the member whose it is; null for one of the organization's own.
    member: Option<String>,
    /// What it may do, as far as its member may.
    #[schema(value_type = words::Role)]
    role: Role,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it stops working; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was used last, to the minute; null for not yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    used_at: Option<Timestamp>,
}

impl From<ApiToken> for TokenView {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            member: token.member,
            role: token.role,
            created_at: token.created_at,
            expires_at: token.expires_at,
            used_at: token.used_at,
        }
    }
}
