//! `DELETE /api/integrations/{connectionId}`: ends a connection.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use serde_json::json;

use crate::api::Success;
use crate::api::path::{ConnectionPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Ends a connection: forgets its tokens. Records, pairs and mappings stay; connecting the portal again goes on with them.
#[utoipa::path(delete, path = "/api/integrations/{connectionId}", tag = "integrations", operation_id = "disconnectIntegration",
    params(ConnectionPath),
    responses(
        (status = 200, description = "The connection is ended.", body = Success),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageConnections>,
    Path(path): Path<ConnectionPath>,
) -> Result<Json<Success>, Problem> {
    let id = path.connection_id;
    state
        .store
        .disconnect(caller.organization, id, state.environment.now())
        .await?;
    state.engine.parts().portals.forget(id);
    let (event, subject) = (EventType::ConnectionDisconnected, id.to_string());
    state
        .engine
        .note(
            caller.organization,
            &caller.actor,
            event,
            &subject,
            json!({}),
        )
        .await?;
    tracing::info!(connection.id = %id, "portal disconnected");
    Ok(Json(Success::YES))
}

#[cfg(test)]
mod tests {
    use partneros_store::Connections as _;
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn the_tokens_go_and_the_pairs_stay() {
        let api = TestApi::new().await;
        let pair = api.pair().await;
        let list = api.acme().get("/api/integrations").await.expect(200);
        let id = list["integrations"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/integrations/{id}");
        assert_eq!(
            api.acme().delete(&path).await.expect(200),
            json!({"success": true})
        );
        let status = api.acme().get(&format!("{path}/status")).await.expect(200);
        assert_eq!(status["status"], "disconnected");
        let organization = api.acme().organization;
        assert!(
            api.store
                .connection_tokens(organization, id.parse().unwrap())
                .await
                .is_err()
        );
        api.acme()
            .get(&format!("/api/pairs/{pair}"))
            .await
            .expect(200);
        assert_eq!(api.portals.forgotten(), [id.parse().unwrap()]);
    }
}
