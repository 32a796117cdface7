//! `GET /api/auth/session`: who one is.

use axum::Json;
use axum::extract::State;

use super::{SessionBody, body};
use crate::auth::SignedIn;
use crate::problem::Problem;
use crate::state::AppState;

/// Shows the session: whose it is, the person's organizations, the active one, and the token that changes need.
#[utoipa::path(get, path = "/api/auth/session", tag = "auth", operation_id = "getSession",
    responses((status = 200, description = "The session.", body = SessionBody)))]
pub async fn handle(
    State(state): State<AppState>,
    signed_in: SignedIn,
) -> Result<Json<SessionBody>, Problem> {
    let body = body(&state, signed_in.session, signed_in.csrf_token).await?;
    Ok(Json(body))
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_session_says_who_one_is() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Admin).await;
        let session = ann.get("/api/auth/session").await.expect(200)["session"].clone();
        assert_eq!(session["email"], "admin@acme.example");
        assert_eq!(session["organizations"][0]["name"], "acme");
        assert_eq!(session["organizations"][0]["role"], "admin");
        assert_eq!(session["activeOrganization"], ann.organization.to_string());
        assert_eq!(session["csrfToken"].as_str().unwrap().len(), 64);
    }

    #[tokio::test]
    async fn a_token_has_no_session() {
        let api = TestApi::new().await;
        api.acme()
            .get("/api/auth/session")
            .await
            .refused(401, "unauthorized");
    }

    #[tokio::test]
    async fn a_session_ends_when_it_is_idle_and_at_last() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Viewer).await;
        let config = api.state.auth.config;
        let nearly_idle = i64::from(config.session_idle_ms) - 1;
        let uses = i64::from(config.session_ms_max) / nearly_idle;
        for _ in 0..uses {
            api.environment.wait_ms(nearly_idle);
            ann.get("/api/objects").await.expect(200);
        }
        let rest = i64::from(config.session_ms_max) - uses * nearly_idle;
        assert!(rest < nearly_idle, "it is the end, and not idleness");
        api.environment.wait_ms(rest);
        ann.get("/api/objects").await.refused(401, "unauthorized");
        let bob = api.session(Role::Member).await;
        api.environment.wait_ms(nearly_idle + 1);
        bob.get("/api/objects").await.refused(401, "unauthorized");
    }
}
