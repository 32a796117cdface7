//! `GET /api/tokens`: the API tokens.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::TokenView;
use crate::api::query::{Paging, Query};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of tokens.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenPage {
    tokens: Vec<TokenView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// Lists the API tokens, oldest first, those that expired too. The tokens themselves are not kept.
#[utoipa::path(get, path = "/api/tokens", tag = "tokens", operation_id = "listTokens",
    params(Paging),
    responses(
        (status = 200, description = "A page of tokens.", body = TokenPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageTokens>,
    Query(paging): Query<Paging>,
) -> Result<Json<TokenPage>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .tokens_page(caller.organization, cursor, limit)
        .await?;
    Ok(Json(TokenPage {
        tokens: page.items.into_iter().map(TokenView::from).collect(),
        next_cursor: page.next,
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
