//! `GET /api/pairs/{pairId}/runs`: the runs of a pair.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::RunView;
use crate::api::path::{PairPath, Path};
use crate::api::query::{Paging, Query};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunPage {
    runs: Vec<RunView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// Lists the runs of a pair, newest first.
#[utoipa::path(get, path = "/api/pairs/{pairId}/runs", tag = "sync", operation_id = "listRuns",
    params(PairPath, Paging),
    responses(
        (status = 200, description = "A page of runs.", body = RunPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
    Query(paging): Query<Paging>,
) -> Result<Json<RunPage>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .runs(caller.organization, path.pair_id, cursor, limit)
        .await?;
    Ok(Json(RunPage {
        runs: page.items.into_iter().map(RunView::from).collect(),
        next_cursor: page.next,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn runs_are_listed_newest_first_page_by_page() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let acme = api.acme();
        let mut begun = Vec::new();
        for _ in 0..2 {
            let run = api.run_to_its_end(&pair).await;
            begun.insert(0, run);
        }
        let path = format!("/api/pairs/{pair}/runs");
        let first = acme.get(&format!("{path}?limit=1")).await.expect(200);
        assert_eq!(first["runs"][0]["id"], begun[0]);
        let cursor = first["nextCursor"].as_str().unwrap();
        let second = acme
            .get(&format!("{path}?limit=1&cursor={cursor}"))
            .await
            .expect(200);
        assert_eq!(second["runs"][0]["id"], begun[1]);
        assert_eq!(second["nextCursor"], json!(null));
        acme.get(&format!("{path}?cursor=x"))
            .await
            .refused(400, "invalid_cursor");
    }
}
