//! `POST /api/auth/sign-out-everywhere`: ends all sessions of a person.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};

use crate::api::Success;
use crate::auth::{SignedIn, session};
use crate::problem::Problem;
use crate::state::AppState;

/// Ends all sessions of the person, this one too. API tokens stay.
#[utoipa::path(post, path = "/api/auth/sign-out-everywhere", tag = "auth", operation_id = "signOutEverywhere",
    responses((status = 200, description = "The sessions have ended.", body = Success)))]
pub async fn handle(
    State(state): State<AppState>,
    signed_in: SignedIn,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Success>), Problem> {
    state
        .store
        .delete_sessions(signed_in.session.user_id)
        .await?;
    let cookie = session::clear_cookie(&state)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(Success::YES)))
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn all_sessions_of_the_person_end_and_nobody_elses() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Viewer).await;
        let again = api.sign_in("viewer@acme.example").await;
        let bob = api.session(Role::Member).await;
        again
            .post("/api/auth/sign-out-everywhere", json!({}))
            .await
            .expect(200);
        for client in [&ann, &again] {
            client
                .get("/api/objects")
                .await
                .refused(401, "unauthorized");
        }
        bob.get("/api/objects").await.expect(200);
    }
}
