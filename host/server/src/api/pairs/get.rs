//! `GET /api/pairs/{pairId}`: one pair.

use axum::Json;
use axum::extract::State;

use super::PairBody;
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Shows a pair.
#[utoipa::path(get, path = "/api/pairs/{pairId}", tag = "pairs", operation_id = "getPair",
    params(PairPath),
    responses(
        (status = 200, description = "The pair.", body = PairBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
) -> Result<Json<PairBody>, Problem> {
    Ok(Json(
        state
            .store
            .pair(caller.organization, path.pair_id)
            .await?
            .into(),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_pair_is_shown() {
        let api = TestApi::new().await;
        let id = api.pair().await;
        let pair = api
            .acme()
            .get(&format!("/api/pairs/{id}"))
            .await
            .expect(200)["pair"]
            .clone();
        assert_eq!(pair["id"], id);
        assert_eq!(
            pair["matchKey"],
            json!({"field": "domain", "property": "domain"})
        );
        api.acme()
            .get("/api/pairs/none")
            .await
            .refused(404, "not_found");
    }
}
