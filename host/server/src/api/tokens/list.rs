//! `GET /api/tokens`: the API tokens.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::TokenView;
use crate::auth::{Permitted, permission};
use crate::problem::Problem;
use crate::state::AppState;

/// All tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenList {
    tokens: Vec<TokenView>,
}

/// Lists the API tokens, oldest first, those that expired too. The tokens themselves are not kept.
#[utoipa::path(get, path = "/api/tokens", tag = "tokens", operation_id = "listTokens",
    responses((status = 200, description = "The tokens.", body = TokenList)))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageTokens>,
) -> Result<Json<TokenList>, Problem> {
    let tokens = state.store.tokens(caller.organization).await?;
    Ok(Json(TokenList {
        tokens: tokens.into_iter().map(TokenView::from).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_token_is_listed_with_its_use() {
        let api = TestApi::new().await;
        let listed = api.acme().get("/api/tokens").await.expect(200);
        let mut token = listed["tokens"][0].clone();
        token["id"] = json!(null);
        let expected = json!({
            "id": null, "name": "a test's admin", "member": null, "role": "admin",
            "createdAt": "2026-11-23T09:00:00.000Z", "expiresAt": null,
            "usedAt": "2026-11-23T09:00:00.000Z",
        });
        assert_eq!(token, expected);
    }
}
