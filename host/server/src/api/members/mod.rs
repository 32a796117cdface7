//! Members: who is what in the organization.
//!
//! Nobody gives, takes or changes a role above their own, so that only owners make and change owners; and the last owner
//! stays. A role that changes counts at once for the member's sessions and tokens.

pub mod delete;
pub mod list;
pub mod update;

use partneros_domain::{MemberId, Role, Timestamp};
use partneros_store::Member;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::words;

/// A member.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
pub struct MemberView {
    /// The member's id.
    #[schema(value_type = uuid::Uuid)]
    id: MemberId,
    /// The person's address.
    email: String,
    /// What they are.
    #[schema(value_type = words::Role)]
    role: Role,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// One member under their name.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberBody {
    member: MemberView,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            id: member.id,
            email: member.email,
            role: member.role,
            created_at: member.created_at,
        }
    }
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        Self {
            member: member.into(),
        }
    }
}
