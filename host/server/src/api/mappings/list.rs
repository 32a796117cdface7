//! `GET /api/pairs/{pairId}/mappings`: the mappings of a pair.

use axum::extract::State;

use super::MappingSetBody;
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Shows the mappings of a pair, with the version to name when they are replaced.
#[utoipa::path(get, path = "/api/pairs/{pairId}/mappings", tag = "mappings", operation_id = "listMappings",
    params(PairPath),
    responses(
        (status = 200, description = "The mappings; `ETag` is their version.", body = MappingSetBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
) -> Result<MappingSetBody, Problem> {
    let set = state
        .store
        .mappings(caller.organization, path.pair_id)
        .await?;
    Ok(set.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_new_pair_has_none() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/mappings", api.pair().await);
        let answer = api.acme().get(&path).await.expect(200);
        assert_eq!(answer, json!({"version": 0, "mappings": []}));
    }
}
