//! `GET /api/integrations`: all connections.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{IntegrationView, view};
use crate::auth::{Permitted, permission};
use crate::problem::Problem;
use crate::state::AppState;

/// All connections.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntegrationList {
    integrations: Vec<IntegrationView>,
}

/// Lists the connections, oldest first.
#[utoipa::path(get, path = "/api/integrations", tag = "integrations", operation_id = "listIntegrations",
    responses((status = 200, description = "The connections.", body = IntegrationList)))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
) -> Result<Json<IntegrationList>, Problem> {
    let mut integrations = Vec::new();
    for connection in state.store.connections(caller.organization).await? {
        integrations.push(view(state.store.as_ref(), caller.organization, connection).await?);
    }
    Ok(Json(IntegrationList { integrations }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn an_organization_sees_its_own_connections() {
        let api = TestApi::new().await;
        assert_eq!(
            api.acme().get("/api/integrations").await.expect(200)["integrations"],
            json!([])
        );
        let id = api.connection().await;
        let list = api.acme().get("/api/integrations").await.expect(200);
        assert_eq!(list["integrations"][0]["id"], id.to_string());
        assert_eq!(
            api.other().get("/api/integrations").await.expect(200)["integrations"],
            json!([])
        );
    }
}
