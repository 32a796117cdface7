//! `GET /api/runs/{runId}`: one run.

use axum::Json;
use axum::extract::State;

use super::RunBody;
use crate::api::path::{Path, RunPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Shows a run; its counts grow while it is under way.
#[utoipa::path(get, path = "/api/runs/{runId}", tag = "sync", operation_id = "getRun",
    params(RunPath),
    responses(
        (status = 200, description = "The run.", body = RunBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<RunPath>,
) -> Result<Json<RunBody>, Problem> {
    Ok(Json(
        state
            .store
            .run(caller.organization, path.run_id)
            .await?
            .into(),
    ))
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_run_shows_what_it_did() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let id = api.run_to_its_end(&pair).await;
        let run = api.acme().get(&format!("/api/runs/{id}")).await.expect(200)["run"].clone();
        assert_eq!(run["pairId"], pair);
        assert_eq!(run["startedAt"], "2026-11-23T09:00:00.000Z");
        assert_eq!(run["finishedAt"], "2026-11-23T09:00:00.000Z");
        assert_eq!(run["counts"]["recordsCreated"], 0);
    }
}
