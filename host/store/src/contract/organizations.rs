//! Organizations and their API tokens. Of a token only the hash is kept.

use async_trait::async_trait;
use partneros_domain::{MemberId, OrganizationId, Role, Timestamp, TokenId};

use crate::{Page, Result};

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The id.
    pub id: OrganizationId,
    /// The name, unique in this host.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A token to keep.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    /// The id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Whose it is; none for one of the organization's own.
    pub member: Option<MemberId>,
    /// What it may do, at most what the member may.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working, if ever.
    pub expires_at: Option<Timestamp>,
}

/// A token as it is listed; the token itself is known to its holder only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// The id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// The address of the member whose it is; none for one of the organization's own.
    pub member: Option<String>,
    /// What it may do, as far as its member may.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, as far as that was noted.
    pub used_at: Option<Timestamp>,
}

/// Whom a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The token.
    pub token_id: TokenId,
    /// What the token is for.
    pub name: String,
    /// The member whose it is.
    pub member_id: Option<MemberId>,
    /// What it may do now: the lesser of its own role and its member's.
    pub role: Role,
    /// When it was used last, as far as that was noted.
    pub used_at: Option<Timestamp>,
}

/// Organizations and tokens.
#[async_trait]
pub trait Organizations: Send + Sync {
    /// Makes an organization; a name that exists is a conflict.
    async fn create_organization(&self, organization: &Organization) -> Result<()>;
    /// All organizations by name.
    async fn organizations(&self) -> Result<Vec<Organization>>;
    /// The organization of that name.
    async fn organization_by_name(&self, name: &str) -> Result<Organization>;
    /// Keeps a token. A member that the organization does not have is not found.
    async fn create_token(&self, organization: OrganizationId, token: &NewApiToken) -> Result<()>;
    /// The tokens of an organization, oldest first.
    async fn tokens(&self, organization: OrganizationId) -> Result<Vec<ApiToken>>;
    /// A page of them, in the order they were made.
    async fn tokens_page(
        &self,
        organization: OrganizationId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ApiToken>>;
    /// Forgets a token, which stops working at once.
    async fn delete_token(&self, organization: OrganizationId, token: TokenId) -> Result<()>;
    /// Whom the token with this hash speaks for, if it works.
    async fn token_holder(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<TokenHolder>>;
    /// Notes that a token is used; nothing happens to one that is unknown.
    async fn touch_token(&self, token: TokenId, at: Timestamp) -> Result<()>;
}
