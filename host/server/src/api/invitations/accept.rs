//! `POST /api/invitations/accept`: becomes a member by the link of an invitation.
//!
//! Anyone may call it: what they show is the token of the link. Who has an account on this host shows its password as
//! well, so that an invitation gives nobody power over it; who has none chooses one.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::{EventType, MemberId, UserId};
use partneros_store::{Invitation, Joining, User};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::api::auth::WrongPassword;
use crate::api::body::Body;
use crate::api::members::MemberBody;
use crate::auth::{NewPassword, Peer, SameOrigin, authenticate};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;
use crate::token;

/// An invitation and a password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// What stands behind `#token=` in the link.
    #[schema(value_type = String)]
    token: SecretString,
    /// The password of the account that the address has on this host; a new one, of 8 to 256 characters, if it has none.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// A link that works no longer, or never did.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to find the invitation: it is unknown, used, expired or was taken back; ask for a new one"
)]
struct Unknown;

impl From<Unknown> for Problem {
    fn from(error: Unknown) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", &error)
    }
}

/// Becomes a member. Sign in afterwards.
#[utoipa::path(post, path = "/api/invitations/accept", tag = "invitations", operation_id = "acceptInvitation",
    request_body = Acceptance,
    responses(
        (status = 200, description = "The member.", body = MemberBody),
        (status = 400, description = "`invalid_password`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 401, description = "`invalid_credentials`: the address has an account with another password.", body = ErrorBody),
        (status = 403, description = "`foreign_origin`.", body = ErrorBody),
        (status = 404, description = "`not_found`: the link does not work.", body = ErrorBody),
        (status = 409, description = "`conflict`: the account was made meanwhile.", body = ErrorBody),
        (status = 429, description = "`too_many_attempts`.", body = ErrorBody),
        (status = 503, description = "`busy`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    _: SameOrigin,
    peer: Peer,
    Body(acceptance): Body<Acceptance>,
) -> Result<Json<MemberBody>, Problem> {
    let hash = token::hash(acceptance.token.expose_secret());
    let invitation = find(&state, peer, &hash).await?;
    let joining = joining(&state, peer, &invitation.email, acceptance.password).await?;
    let id = MemberId(state.environment.new_id());
    let now = state.environment.now();
    let joined = state.store.accept_invitation(&hash, id, joining, now).await;
    let member = joined.map_err(|error| match error {
        partneros_store::Error::NotFound { .. } => Unknown.into(),
        error => Problem::from(error),
    })?;
    let metadata = json!({"memberId": id, "role": member.role, "invitedBy": invitation.invited_by});
    let (organization, email) = (invitation.organization_id, &member.email);
    state
        .engine
        .note(
            organization,
            email,
            EventType::MemberJoined,
            email,
            metadata,
        )
        .await?;
    Ok(Json(member.into()))
}

/// The invitation of the link. Guessing links is limited by address.
async fn find(state: &AppState, peer: Peer, hash: &[u8; 32]) -> Result<Invitation, Problem> {
    let now = state.environment.now();
    let attempt = state.auth.attempts.on_no_account(peer.0, now)?;
    let found = state.store.invitation_of_link(hash, now).await?;
    let invitation = found.ok_or(Unknown)?;
    state.auth.attempts.was_right(attempt);
    Ok(invitation)
}

/// The account that joins.
async fn joining(
    state: &AppState,
    peer: Peer,
    email: &str,
    password: SecretString,
) -> Result<Joining, Problem> {
    if state.store.user_by_email(email).await?.is_some() {
        let user = authenticate(state, peer, email, password).await?;
        let user = user.ok_or_else(|| WrongPassword::Of(email.to_owned()))?;
        return Ok(Joining::Known(user.id));
    }
    let environment = state.environment.as_ref();
    let password = NewPassword::new(password)?;
    Ok(Joining::New(User {
        id: UserId(environment.new_id()),
        email: email.to_owned(),
        password_hash: state.auth.passwords.hash(password, environment).await?,
    }))
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;
    use serde_json::{Value as Json, json};

    use crate::api::auth::fixture::PASSWORD;
    use crate::api::fixture::{Answer, TestApi};

    /// Invites somebody and returns the token of the link.
    async fn invite(api: &TestApi, email: &str, role: &str) -> String {
        let body = json!({"email": email, "role": role});
        let made = api.acme().post("/api/invitations", body).await.expect(200);
        let link = made["link"].as_str().unwrap();
        link.split_once("#token=").unwrap().1.to_owned()
    }

    async fn accept(api: &TestApi, token: &str, password: &str) -> Answer {
        let body = json!({"token": token, "password": password});
        api.anyone().post("/api/invitations/accept", body).await
    }

    async fn joined(api: &TestApi) -> Json {
        let events = api.acme().get("/api/audit-events?type=member.joined").await;
        events.expect(200)["events"].clone()
    }

    #[tokio::test]
    async fn somebody_new_chooses_a_password_and_signs_in() {
        let api = TestApi::new().await;
        let token = invite(&api, "bob@acme.example", "member").await;
        accept(&api, &token, "short")
            .await
            .refused(400, "invalid_password");
        let member = accept(&api, &token, PASSWORD).await.expect(200);
        assert_eq!(member["member"]["email"], "bob@acme.example");
        assert_eq!(member["member"]["role"], "member");
        accept(&api, &token, PASSWORD)
            .await
            .refused(404, "not_found");
        let bob = api.sign_in("bob@acme.example").await;
        bob.make_partner("Acme").await;
        let events = joined(&api).await;
        assert_eq!(events[0]["actor"], "bob@acme.example");
        assert_eq!(events[0]["metadata"]["invitedBy"], "a test's admin");
        assert_eq!(events.as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn who_has_an_account_shows_its_password() {
        let api = TestApi::new().await;
        api.joins_other("bob@acme.example", Role::Owner).await;
        let token = invite(&api, "bob@acme.example", "viewer").await;
        let other = accept(&api, &token, "another horse").await;
        other.refused(401, "invalid_credentials");
        assert_eq!(joined(&api).await, json!([]));
        accept(&api, &token, PASSWORD).await.expect(200);
        let bob = api.sign_in("bob@acme.example").await;
        let session = bob.get("/api/auth/session").await.expect(200);
        let organizations = session["session"]["organizations"].as_array().unwrap();
        assert_eq!(organizations.len(), 2);
    }

    #[tokio::test]
    async fn a_link_works_for_a_while_and_not_once_it_is_taken_back() {
        let api = TestApi::new().await;
        let late = invite(&api, "bob@acme.example", "viewer").await;
        api.environment
            .wait_ms(api.state.auth.config.invitation_ms.into());
        accept(&api, &late, PASSWORD)
            .await
            .refused(404, "not_found");
        let back = invite(&api, "bob@acme.example", "viewer").await;
        let listed = api.acme().get("/api/invitations").await.expect(200);
        let id = listed["invitations"][0]["id"].as_str().unwrap();
        let path = format!("/api/invitations/{id}");
        api.acme().delete(&path).await.expect(200);
        accept(&api, &back, PASSWORD)
            .await
            .refused(404, "not_found");
        assert_eq!(joined(&api).await, json!([]));
    }

    #[tokio::test]
    async fn links_are_not_guessed_for_ever() {
        let mut api = TestApi::new().await;
        api.configure_auth(|config| config.attempts_per_address = 3);
        for _ in 0..3 {
            accept(&api, "guessed", PASSWORD)
                .await
                .refused(404, "not_found");
        }
        accept(&api, "guessed", PASSWORD)
            .await
            .refused(429, "too_many_attempts");
    }
}
