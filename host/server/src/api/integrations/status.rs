//! `GET /api/integrations/{connectionId}/status`: a connection's health.

use axum::Json;
use axum::extract::State;

use super::{IntegrationView, view};
use crate::api::path::{ConnectionPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Shows a connection's health. The fields stand at the top level, as in the product's public API.
#[utoipa::path(get, path = "/api/integrations/{connectionId}/status", tag = "integrations", operation_id = "getIntegrationStatus",
    params(ConnectionPath),
    responses(
        (status = 200, description = "The connection.", body = IntegrationView),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<ConnectionPath>,
) -> Result<Json<IntegrationView>, Problem> {
    let connection = state
        .store
        .connection(caller.organization, path.connection_id)
        .await?;
    Ok(Json(
        view(state.store.as_ref(), caller.organization, connection).await?,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn the_status_has_the_documented_fields() {
        let api = TestApi::new().await;
        let id = api.connection().await;
        let status = api
            .acme()
            .get(&format!("/api/integrations/{id}/status"))
            .await
            .expect(200);
        let expected = json!({
            "id": id.to_string(),
            "platform": "hubspot",
            "status": "active",
            "instanceUrl": null,
            "portalId": 4711,
            "access": "oauth",
            "connectedAt": "2026-11-23T09:00:00.000Z",
            "lastSyncAt": "2026-11-23T09:00:00.000Z",
            "lastErrorAt": null,
            "lastErrorMessage": null,
            "createdAt": "2026-11-23T09:00:00.000Z",
            "schemaStats": {"objects": 2, "fields": 9},
        });
        assert_eq!(status, expected);
    }
}
