//! Users and what they are in an organization, and invitations to become a member.
//!
//! A user is one person with one password, in any number of organizations. An email address counts without regard to
//! case: callers pass it in lower case. Invariant: an organization with members has an owner.

use async_trait::async_trait;
use partneros_domain::{InvitationId, MemberId, OrganizationId, Role, Timestamp, UserId};
use secrecy::SecretString;

use crate::{Page, Result};

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The address, in lower case.
    pub email: String,
    /// The argon2id hash of the password, with its parameters and salt.
    pub password_hash: SecretString,
}

/// What a user is in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The id.
    pub id: MemberId,
    /// The person.
    pub user_id: UserId,
    /// The person's address.
    pub email: String,
    /// What they are.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// Who becomes a member.
#[derive(Debug, Clone)]
pub enum Joining {
    /// A person who is new to this host; an address that a user has is a conflict.
    New(User),
    /// A user; the caller has seen their password.
    Known(UserId),
}

/// An invitation to keep.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The id.
    pub id: InvitationId,
    /// Who is invited, in lower case.
    pub email: String,
    /// What they will be.
    pub role: Role,
    /// Who invited them, as the audit log names them.
    pub invited_by: String,
    /// SHA-256 of the token in the link.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When the link stops working.
    pub expires_at: Timestamp,
}

/// An invitation that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The id.
    pub id: InvitationId,
    /// Where to.
    pub organization_id: OrganizationId,
    /// Who is invited.
    pub email: String,
    /// What they will be.
    pub role: Role,
    /// Who invited them.
    pub invited_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the link stops working.
    pub expires_at: Timestamp,
}

/// Users, members and invitations.
#[async_trait]
pub trait Members: Send + Sync {
    /// The user with this address.
    async fn user_by_email(&self, email: &str) -> Result<Option<User>>;
    /// Replaces a user's password and ends their sessions but the one whose token has the hash `keep`.
    async fn set_password(
        &self,
        user: UserId,
        password_hash: &SecretString,
        keep: Option<&[u8; 32]>,
    ) -> Result<()>;
    /// Makes the first member of an organization, its owner. An organization that has members is a conflict.
    async fn create_first_owner(
        &self,
        organization: OrganizationId,
        member: MemberId,
        joining: Joining,
        at: Timestamp,
    ) -> Result<Member>;
    /// The members of an organization, oldest first.
    async fn members(&self, organization: OrganizationId) -> Result<Vec<Member>>;
    /// A page of them, in the order they came.
    async fn members_page(
        &self,
        organization: OrganizationId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Member>>;
    /// One member.
    async fn member(&self, organization: OrganizationId, id: MemberId) -> Result<Member>;
    /// Changes the role of a member who is `from`; counts at once for sessions and tokens. Another role than `from`, and
    /// the last owner, are conflicts.
    async fn set_role(
        &self,
        organization: OrganizationId,
        id: MemberId,
        from: Role,
        role: Role,
    ) -> Result<Member>;
    /// Removes a member who is `from`, with their tokens; their sessions have the organization no longer. Another role
    /// than `from`, and the last owner, are conflicts. The user stays.
    async fn remove_member(
        &self,
        organization: OrganizationId,
        id: MemberId,
        from: Role,
    ) -> Result<()>;

    /// Keeps an invitation in place of an earlier one to the same address. Whoever is a member is a conflict.
    async fn put_invitation(
        &self,
        organization: OrganizationId,
        invitation: &NewInvitation,
    ) -> Result<()>;
    /// The invitations of an organization that work, oldest first.
    async fn invitations(
        &self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<Vec<Invitation>>;
    /// A page of them, in the order they were made.
    async fn invitations_page(
        &self,
        organization: OrganizationId,
        now: Timestamp,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invitation>>;
    /// Takes an invitation back.
    async fn delete_invitation(&self, organization: OrganizationId, id: InvitationId)
    -> Result<()>;
    /// The invitation of the link with this hash, if it works.
    async fn invitation_of_link(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Invitation>>;
    /// Uses an invitation up and makes the member. Unknown, used and expired ones are not found; whoever joins must have
    /// the address that was invited, or is not found.
    async fn accept_invitation(
        &self,
        hash: &[u8; 32],
        member: MemberId,
        joining: Joining,
        now: Timestamp,
    ) -> Result<Member>;
}
