//! Invitations: links by which people become members.
//!
//! This host sends no mail: whoever invites passes the link on. It is shown once, works once, for the invited address and
//! for a while; of its token only the hash is kept.

pub mod accept;
pub mod create;
pub mod delete;
pub mod list;

use partneros_domain::{InvitationId, Role, Timestamp};
use partneros_store::Invitation;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::words;

/// An invitation that waits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invitation)]
pub struct InvitationView {
    /// The invitation's id.
    #[schema(value_type = uuid::Uuid)]
    id: InvitationId,
    /// Who is invited.
    email: String,
    /// What they will be.
    #[schema(value_type = words::Role)]
    role: Role,
    /// Who invited them: a member's address or a token's name.
    invited_by: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the link stops working.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email,
            role: invitation.role,
            invited_by: invitation.invited_by,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}
