//! Organizations and their API tokens. Of a token only the hash is kept.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, Timestamp, TokenId};

use crate::Result;

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
    /// When it was made.
    pub created_at: Timestamp,
}

/// A token as it is listed; the token itself is known to its holder only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// The id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
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
    /// Keeps a token.
    async fn create_token(&self, organization: OrganizationId, token: &NewApiToken) -> Result<()>;
    /// The tokens of an organization, oldest first.
    async fn tokens(&self, organization: OrganizationId) -> Result<Vec<ApiToken>>;
    /// Forgets a token, which stops working at once.
    async fn delete_token(&self, organization: OrganizationId, token: TokenId) -> Result<()>;
    /// Whose token has this hash, if anybody's.
    async fn organization_of_token(&self, hash: &[u8; 32]) -> Result<Option<OrganizationId>>;
}
