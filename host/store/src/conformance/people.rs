//! People for the cases: owners, who they invite, their sessions and tokens.

use partneros_domain::{InvitationId, MemberId, OrganizationId, Role, TokenId, UserId};

use super::world::{World, at};
use crate::{Joining, Member, NewApiToken, NewInvitation, NewSession, User};

pub(super) fn user(world: &World<'_>, email: &str) -> User {
    User {
        id: UserId(world.uuid()),
        email: email.to_owned(),
        password_hash: format!("hash of {email}").into(),
    }
}

/// The first owner of the world's organization.
pub(super) async fn owner(world: &World<'_>, email: &str) -> Member {
    let joining = Joining::New(user(world, email));
    let id = MemberId(world.uuid());
    world
        .store
        .create_first_owner(world.organization, id, joining, at(1))
        .await
        .unwrap()
}

/// An invitation whose link has the hash `[number; 32]` and works until 1,000.
pub(super) fn invitation(world: &World<'_>, email: &str, role: Role, number: u8) -> NewInvitation {
    NewInvitation {
        id: InvitationId(world.uuid()),
        email: email.to_owned(),
        role,
        invited_by: "owner@acme.example".to_owned(),
        hash: [number; 32],
        created_at: at(i64::from(number)),
        expires_at: at(1_000),
    }
}

/// A further member, by invitation.
pub(super) async fn joined(world: &World<'_>, email: &str, role: Role) -> Member {
    let invited = invitation(world, email, role, 200);
    let store = world.store;
    store
        .put_invitation(world.organization, &invited)
        .await
        .unwrap();
    let joining = Joining::New(user(world, email));
    store
        .accept_invitation(&invited.hash, MemberId(world.uuid()), joining, at(300))
        .await
        .unwrap()
}

/// A session whose token has the hash `[number; 32]`; ends at 100 unless used, and at 1,000.
pub(super) fn session(
    member: &Member,
    organization: Option<OrganizationId>,
    number: u8,
) -> NewSession {
    NewSession {
        user_id: member.user_id,
        hash: [number; 32],
        organization,
        at: at(i64::from(number)),
        idle_until: at(100),
        expires_at: at(1_000),
    }
}

/// A member's token with the hash `[number; 32]`.
pub(super) fn token(member: &Member, id: TokenId, role: Role, number: u8) -> NewApiToken {
    NewApiToken {
        id,
        name: format!("token {number}"),
        hash: [number; 32],
        member: Some(member.id),
        role,
        created_at: at(i64::from(number)),
        expires_at: None,
    }
}
