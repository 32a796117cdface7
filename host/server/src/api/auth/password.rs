//! `POST /api/auth/password`: replaces one's password.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::WrongPassword;
use crate::api::Success;
use crate::api::body::Body;
use crate::auth::{NewPassword, Peer, SignedIn, authenticate, note};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A new password in place of the old one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordChange {
    /// The old one.
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
    /// The new one, of 8 to 256 characters.
    #[schema(value_type = String, format = Password)]
    new_password: SecretString,
}

/// Replaces the person's password and ends their other sessions.
#[utoipa::path(post, path = "/api/auth/password", tag = "auth", operation_id = "changePassword",
    request_body = PasswordChange,
    responses(
        (status = 200, description = "The new password counts.", body = Success),
        (status = 400, description = "`invalid_password`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 401, description = "`invalid_credentials`: the old password is wrong; or `unauthorized`.", body = ErrorBody),
        (status = 429, description = "`too_many_attempts`.", body = ErrorBody),
        (status = 503, description = "`busy`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    signed_in: SignedIn,
    peer: Peer,
    Body(change): Body<PasswordChange>,
) -> Result<Json<Success>, Problem> {
    let new = NewPassword::new(change.new_password)?;
    let email = signed_in.session.email;
    let user = authenticate(&state, peer, &email, change.current_password).await?;
    let user = user.ok_or(WrongPassword::Of(email))?;
    let environment = state.environment.as_ref();
    let hash = state.auth.passwords.hash(new, environment).await?;
    state
        .store
        .set_password(user.id, &hash, Some(&signed_in.hash))
        .await?;
    let event = EventType::MemberPasswordChanged;
    note(&state, &user, &user.email, event, peer).await?;
    Ok(Json(Success::YES))
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;
    use serde_json::json;

    use crate::api::auth::fixture::PASSWORD;
    use crate::api::fixture::TestApi;

    const PATH: &str = "/api/auth/password";

    #[tokio::test]
    async fn a_new_password_ends_the_other_sessions() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Viewer).await;
        let again = api.sign_in("viewer@acme.example").await;
        let change = json!({"currentPassword": PASSWORD, "newPassword": "another horse"});
        ann.post(PATH, change).await.expect(200);
        ann.get("/api/objects").await.expect(200);
        again.get("/api/objects").await.refused(401, "unauthorized");
        for (password, status) in [(PASSWORD, 401), ("another horse", 200)] {
            let body = json!({"email": "viewer@acme.example", "password": password});
            let answer = api.anyone().post("/api/auth/sign-in/email", body).await;
            assert_eq!(answer.status, status, "{password}");
        }
        let acme = api.acme();
        let told = acme.get("/api/audit-events?type=member.password_changed");
        let told = told.await.expect(200);
        assert_eq!(told["events"].as_array().unwrap().len(), 1);
        assert_eq!(told["events"][0]["actor"], "viewer@acme.example");
    }

    #[tokio::test]
    async fn the_old_password_is_asked_for_and_the_new_one_keeps_the_rules() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Viewer).await;
        let change = json!({"currentPassword": "wrong password", "newPassword": "another horse"});
        ann.post(PATH, change)
            .await
            .refused(401, "invalid_credentials");
        let change = json!({"currentPassword": PASSWORD, "newPassword": "short"});
        let message = ann
            .post(PATH, change)
            .await
            .refused(400, "invalid_password");
        assert!(message.contains("8 to 256"), "{message}");
        api.sign_in("viewer@acme.example").await;
    }

    #[tokio::test]
    async fn a_stolen_session_cannot_guess_the_password_for_ever() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Viewer).await;
        let guess = json!({"currentPassword": "wrong password", "newPassword": "another horse"});
        for _ in 0..10 {
            let answer = ann.post(PATH, guess.clone()).await;
            answer.refused(401, "invalid_credentials");
        }
        let right = json!({"currentPassword": PASSWORD, "newPassword": "another horse"});
        ann.post(PATH, right)
            .await
            .refused(429, "too_many_attempts");
    }
}
