//! `GET /api/integrations/{connectionId}/pairs`: the pairs of a connection.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::PairView;
use crate::api::path::{ConnectionPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// The pairs of a connection.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairList {
    pairs: Vec<PairView>,
}

/// Lists the pairs of a connection, oldest first.
#[utoipa::path(get, path = "/api/integrations/{connectionId}/pairs", tag = "pairs", operation_id = "listPairs",
    params(ConnectionPath),
    responses(
        (status = 200, description = "The pairs.", body = PairList),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<ConnectionPath>,
) -> Result<Json<PairList>, Problem> {
    state
        .store
        .connection(caller.organization, path.connection_id)
        .await?;
    let pairs = state
        .store
        .pairs(caller.organization, path.connection_id)
        .await?;
    Ok(Json(PairList {
        pairs: pairs.into_iter().map(PairView::from).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn the_pairs_of_a_connection_are_listed() {
        let api = TestApi::new().await;
        let pair = api.pair().await;
        let shown = api
            .acme()
            .get(&format!("/api/pairs/{pair}"))
            .await
            .expect(200)["pair"]
            .clone();
        let connection = shown["connectionId"].as_str().unwrap();
        let path = format!("/api/integrations/{connection}/pairs");
        let list = api.acme().get(&path).await.expect(200);
        assert_eq!(list["pairs"], serde_json::json!([shown]));
    }
}
