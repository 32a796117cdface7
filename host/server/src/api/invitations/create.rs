//! `POST /api/invitations`: invites somebody.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::{EventType, InvitationId, Role};
use partneros_store::{Invitation, NewInvitation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::InvitationView;
use crate::api::body::Body;
use crate::api::{handed_over, words};
use crate::auth::{Caller, Email, Permitted, permission, session, within_reach};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;
use crate::token;

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    /// The address.
    email: String,
    /// What they will be, at most what the caller is.
    #[schema(value_type = words::Role)]
    role: Role,
}

/// An invitation with its link.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedInvitation {
    invitation: InvitationView,
    /// The link to pass on. It is not shown again.
    #[serde(serialize_with = "handed_over")]
    #[schema(value_type = String)]
    link: SecretString,
}

/// An organization that is full.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed because {max} members and invitations are the most that an organization may have; remove some, or raise \
     `auth.members_max`"
)]
struct Full {
    max: usize,
}

impl From<Full> for Problem {
    fn from(error: Full) -> Self {
        Self::new(StatusCode::CONFLICT, "too_many_members", &error)
    }
}

/// Invites somebody. An earlier invitation of the same address stops working.
#[utoipa::path(post, path = "/api/invitations", tag = "invitations", operation_id = "createInvitation",
    request_body = CreateInvitation,
    responses(
        (status = 200, description = "The invitation and its link.", body = CreatedInvitation),
        (status = 400, description = "`invalid_email`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 409, description = "`conflict`: they are a member already; or `too_many_members`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageMembers>,
    Body(wanted): Body<CreateInvitation>,
) -> Result<Json<CreatedInvitation>, Problem> {
    let email: Email = wanted.email.parse()?;
    within_reach(&caller, wanted.role)?;
    check_earlier(&state, &caller, &email).await?;
    let (organization, now) = (caller.organization, state.environment.now());
    let secret: SecretString = session::new_token(state.environment.as_ref());
    let new = NewInvitation {
        id: InvitationId(state.environment.new_id()),
        email: email.as_str().to_owned(),
        role: wanted.role,
        invited_by: caller.actor.clone(),
        hash: token::hash(secret.expose_secret()),
        created_at: now,
        expires_at: now.plus_millis(state.auth.config.invitation_ms.into()),
    };
    state.store.put_invitation(organization, &new).await?;
    let metadata = json!({"invitationId": new.id, "role": new.role, "expiresAt": new.expires_at});
    let event = EventType::MemberInvited;
    state
        .engine
        .note(organization, &caller.actor, event, &new.email, metadata)
        .await?;
    let link = state.auth.invitation_link(&secret);
    let invitation = Invitation {
        id: new.id,
        organization_id: organization,
        email: new.email,
        role: new.role,
        invited_by: new.invited_by,
        created_at: new.created_at,
        expires_at: new.expires_at,
    };
    Ok(Json(CreatedInvitation {
        invitation: invitation.into(),
        link,
    }))
}

/// There is room, and the invitation that this one replaces is within the caller's reach.
async fn check_earlier(state: &AppState, caller: &Caller, email: &Email) -> Result<(), Problem> {
    let (organization, now) = (caller.organization, state.environment.now());
    let waiting = state.store.invitations(organization, now).await?;
    let replaced = waiting.iter().find(|waits| waits.email == email.as_str());
    if let Some(replaced) = replaced {
        return within_reach(caller, replaced.role);
    }
    let members = state.store.members(organization).await?.len();
    let max = state.auth.config.members_max;
    if members + waiting.len() >= max {
        return Err(Full { max }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;
    use serde_json::json;

    use crate::api::fixture::TestApi;

    const PATH: &str = "/api/invitations";

    #[tokio::test]
    async fn an_invitation_is_listed_without_its_link() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Owner).await;
        let body = json!({"email": "Bob@acme.example", "role": "member"});
        let made = ann.post(PATH, body).await.expect(200);
        let link = made["link"].as_str().unwrap();
        let token = link
            .strip_prefix("http://localhost:8080/invitation#token=")
            .unwrap();
        assert_eq!(token.len(), 64);
        let listed = ann.get(PATH).await.expect(200);
        assert_eq!(listed["invitations"], json!([made["invitation"]]));
        assert_eq!(listed["invitations"][0]["email"], "bob@acme.example");
        assert_eq!(listed["invitations"][0]["invitedBy"], "owner@acme.example");
        let events = ann.get("/api/audit-events?type=member.invited").await;
        let events = events.expect(200);
        assert_eq!(events["events"][0]["subject"], "bob@acme.example");
        assert!(!events.to_string().contains(token));
        assert!(!listed.to_string().contains(token));
    }

    #[tokio::test]
    async fn nobody_invites_or_replaces_above_themselves() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Owner).await;
        let admin = api.session(Role::Admin).await;
        let body = |role: &str| json!({"email": "bob@acme.example", "role": role});
        admin
            .post(PATH, body("owner"))
            .await
            .refused(403, "forbidden");
        let made = ann.post(PATH, body("owner")).await.expect(200);
        admin
            .post(PATH, body("viewer"))
            .await
            .refused(403, "forbidden");
        let path = format!("{PATH}/{}", made["invitation"]["id"].as_str().unwrap());
        admin.delete(&path).await.refused(403, "forbidden");
        ann.post(PATH, body("viewer")).await.expect(200);
        admin.post(PATH, body("admin")).await.expect(200);
    }

    #[tokio::test]
    async fn members_and_addresses_that_are_none_are_not_invited() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Owner).await;
        let again = json!({"email": "OWNER@acme.example", "role": "viewer"});
        ann.post(PATH, again).await.refused(409, "conflict");
        let nobody = json!({"email": "bob", "role": "viewer"});
        ann.post(PATH, nobody).await.refused(400, "invalid_email");
        let partner = json!({"email": "bob@acme.example", "role": "partner"});
        ann.post(PATH, partner).await.refused(400, "invalid_body");
    }

    #[tokio::test]
    async fn an_organization_that_is_full_says_so() {
        let mut api = TestApi::new().await;
        api.configure_auth(|config| config.members_max = 2);
        let ann = api.session(Role::Owner).await;
        let body = |name: &str| json!({"email": format!("{name}@acme.example"), "role": "viewer"});
        ann.post(PATH, body("bob")).await.expect(200);
        ann.post(PATH, body("eve"))
            .await
            .refused(409, "too_many_members");
        ann.post(PATH, body("bob")).await.expect(200);
    }
}
