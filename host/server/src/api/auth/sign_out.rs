//! `POST /api/auth/sign-out`: ends the session.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};

use crate::api::Success;
use crate::auth::{SignedIn, session};
use crate::problem::Problem;
use crate::state::AppState;

/// Ends the session and takes its cookie back.
#[utoipa::path(post, path = "/api/auth/sign-out", tag = "auth", operation_id = "signOut",
    responses((status = 200, description = "The session has ended.", body = Success)))]
pub async fn handle(
    State(state): State<AppState>,
    signed_in: SignedIn,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Success>), Problem> {
    state.store.delete_session(&signed_in.hash).await?;
    let cookie = session::clear_cookie(&state)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(Success::YES)))
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn the_session_ends_and_others_go_on() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Viewer).await;
        let again = api.sign_in("viewer@acme.example").await;
        let answer = ann.post("/api/auth/sign-out", json!({})).await;
        let cookie = answer.header("set-cookie");
        assert!(
            cookie.starts_with("session_token=; Max-Age=0; "),
            "{cookie}"
        );
        answer.expect(200);
        ann.get("/api/objects").await.refused(401, "unauthorized");
        again.get("/api/objects").await.expect(200);
    }
}
