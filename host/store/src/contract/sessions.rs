//! Sessions of people who signed in. Of a session's token only the hash is kept.
//!
//! Invariant: what a session may do is read with the session, every time; nothing about the role is kept in it.

use async_trait::async_trait;
use partneros_domain::{MemberId, OrganizationId, Role, Timestamp, UserId};

use crate::{Organization, Result};

/// A session to keep.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose it is.
    pub user_id: UserId,
    /// SHA-256 of its token.
    pub hash: [u8; 32],
    /// The organization to begin in.
    pub organization: Option<OrganizationId>,
    /// Now.
    pub at: Timestamp,
    /// When it ends unless it is used.
    pub idle_until: Timestamp,
    /// When it ends even if it is used.
    pub expires_at: Timestamp,
}

/// A session that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub user_id: UserId,
    /// Their address.
    pub email: String,
    /// Where they work; none until they choose, and once they are no member any more.
    pub active: Option<ActiveOrganization>,
    /// When it was used last, as far as that was noted.
    pub used_at: Timestamp,
    /// When it ends even if it is used.
    pub expires_at: Timestamp,
}

/// The organization that a session works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveOrganization {
    /// The organization.
    pub organization_id: OrganizationId,
    /// What the user is in it.
    pub member_id: MemberId,
    /// Their role in it, now.
    pub role: Role,
}

/// Sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Keeps a session, and drops those of the user that ended, and their oldest beyond `sessions_max`. An organization
    /// that the user is no member of is not found.
    async fn create_session(&self, session: &NewSession, sessions_max: usize) -> Result<()>;
    /// The session of the token with this hash, if it works.
    async fn session(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Session>>;
    /// Notes that a session is used; nothing happens to one that is unknown.
    async fn touch_session(
        &self,
        hash: &[u8; 32],
        at: Timestamp,
        idle_until: Timestamp,
    ) -> Result<()>;
    /// Chooses where a session works. An organization that the user is no member of is not found.
    async fn set_active_organization(
        &self,
        hash: &[u8; 32],
        organization: OrganizationId,
    ) -> Result<()>;
    /// Ends a session; nothing happens to one that is unknown.
    async fn delete_session(&self, hash: &[u8; 32]) -> Result<()>;
    /// Ends all sessions of a user.
    async fn delete_sessions(&self, user: UserId) -> Result<()>;
    /// The organizations of a user and what they are there, by name.
    async fn organizations_of_user(&self, user: UserId) -> Result<Vec<(Organization, Role)>>;
}
