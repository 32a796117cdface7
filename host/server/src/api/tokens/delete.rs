//! `DELETE /api/tokens/{tokenId}`: ends an API token.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use serde_json::json;

use crate::api::Success;
use crate::api::path::{Path, TokenPath};
use crate::auth::{Permitted, permission, within_reach};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Deletes a token, which stops working at once.
#[utoipa::path(delete, path = "/api/tokens/{tokenId}", tag = "tokens", operation_id = "deleteToken",
    params(TokenPath),
    responses(
        (status = 200, description = "The token works no longer.", body = Success),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageTokens>,
    Path(path): Path<TokenPath>,
) -> Result<Json<Success>, Problem> {
    let (organization, id) = (caller.organization, path.token_id);
    let tokens = state.store.tokens(organization).await?;
    let found = tokens.into_iter().find(|token| token.id == id);
    if let Some(found) = &found {
        within_reach(&caller, found.role)?;
    }
    state.store.delete_token(organization, id).await?;
    let name = found.map(|token| token.name);
    let (subject, metadata) = (id.to_string(), json!({"name": name}));
    let event = EventType::TokenDeleted;
    state
        .engine
        .note(organization, &caller.actor, event, &subject, metadata)
        .await?;
    Ok(Json(Success::YES))
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_deleted_token_stops_working_and_is_written_down() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Admin).await;
        let listed = ann.get("/api/tokens").await.expect(200);
        let path = format!(
            "/api/tokens/{}",
            listed["tokens"][0]["id"].as_str().unwrap()
        );
        api.acme().get("/api/objects").await.expect(200);
        ann.delete(&path).await.expect(200);
        api.acme()
            .get("/api/objects")
            .await
            .refused(401, "unauthorized");
        ann.delete(&path).await.refused(404, "not_found");
        let events = ann.get("/api/audit-events?type=token.deleted").await;
        let event = events.expect(200)["events"][0].clone();
        assert_eq!(event["metadata"]["name"], "a test's admin");
        assert_eq!(event["actor"], "admin@acme.example");
    }
}
