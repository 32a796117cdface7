//! `POST /api/integrations/{connectionId}/schema/refresh`: reads a portal's schema again.

use axum::Json;
use axum::extract::State;

use super::discovery;
use super::schema::SchemaSummary;
use crate::api::path::{ConnectionPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Reads the portal's schema again, and answers when that is done.
#[utoipa::path(post, path = "/api/integrations/{connectionId}/schema/refresh", tag = "integrations", operation_id = "refreshIntegrationSchema",
    params(ConnectionPath),
    responses(
        (status = 200, description = "What was discovered.", body = SchemaSummary),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`not_connected`, `reauth_required`, `missing_scopes` or `hubspot_refused`.", body = ErrorBody),
        (status = 503, description = "`hubspot_unavailable`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageConnections>,
    Path(path): Path<ConnectionPath>,
) -> Result<Json<SchemaSummary>, Problem> {
    state
        .store
        .connection(caller.organization, path.connection_id)
        .await?;
    let schemas = discovery::discover(&state, caller.organization, path.connection_id).await?;
    Ok(Json(SchemaSummary::of(&schemas)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_refresh_replaces_what_was_known() {
        let api = TestApi::new().await;
        let id = api.connection().await;
        api.portals.open();
        let path = format!("/api/integrations/{id}/schema/refresh");
        let answer = api.acme().post(&path, json!({})).await.expect(200);
        assert_eq!(answer["objects"][0]["fieldCount"], 1);
        let status = api
            .acme()
            .get(&format!("/api/integrations/{id}/status"))
            .await
            .expect(200);
        assert_eq!(status["schemaStats"], json!({"objects": 2, "fields": 2}));
    }

    #[tokio::test]
    async fn a_revoked_portal_asks_to_be_reconnected() {
        let api = TestApi::new().await;
        let id = api.connection().await;
        api.portals.revoke();
        let path = format!("/api/integrations/{id}/schema/refresh");
        api.acme()
            .post(&path, json!({}))
            .await
            .refused(409, "reauth_required");
        let status = api
            .acme()
            .get(&format!("/api/integrations/{id}/status"))
            .await
            .expect(200);
        assert_eq!(status["status"], "reauth_required");
        assert_eq!(status["lastErrorAt"], "2026-11-23T09:00:00.000Z");
        assert_eq!(status["schemaStats"]["objects"], 2, "what was known stays");
    }

    #[tokio::test]
    async fn a_portal_that_is_not_to_be_had_is_a_conflict() {
        let api = TestApi::new().await;
        let id = api.connection().await;
        let path = format!("/api/integrations/{id}/schema/refresh");
        api.acme()
            .post(&path, json!({}))
            .await
            .refused(409, "not_connected");
    }
}
