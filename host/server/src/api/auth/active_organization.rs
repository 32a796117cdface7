//! `POST /api/auth/active-organization`: chooses where a session works.

use axum::Json;
use axum::extract::State;
use partneros_domain::OrganizationId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{SessionBody, body};
use crate::api::body::Body;
use crate::auth::{SignedIn, session};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// The organization to work in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActiveOrganization {
    /// One of the person's organizations.
    #[schema(value_type = uuid::Uuid)]
    organization_id: OrganizationId,
}

/// Chooses the organization that the session works in.
#[utoipa::path(post, path = "/api/auth/active-organization", tag = "auth", operation_id = "chooseOrganization",
    request_body = ActiveOrganization,
    responses(
        (status = 200, description = "The session.", body = SessionBody),
        (status = 400, description = "`invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`: no organization of the person's.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Body(choice): Body<ActiveOrganization>,
) -> Result<Json<SessionBody>, Problem> {
    let hash = signed_in.hash;
    state
        .store
        .set_active_organization(&hash, choice.organization_id)
        .await?;
    let session = session::find(&state, &hash).await?;
    Ok(Json(body(&state, session, signed_in.csrf_token).await?))
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn nobody_works_where_they_are_no_member() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Owner).await;
        let path = "/api/auth/active-organization";
        let other = json!({"organizationId": api.other().organization});
        ann.post(path, other).await.refused(404, "not_found");
        let session = ann.get("/api/auth/session").await.expect(200);
        assert_eq!(
            session["session"]["activeOrganization"],
            ann.organization.to_string()
        );
    }
}
