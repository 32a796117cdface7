//! `POST /api/pairs/{pairId}/sync`: syncs a pair now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_store::RunTrigger;
use partneros_sync::{Begun, Engine, describe};
use serde::Deserialize;
use utoipa::ToSchema;

use super::RunBody;
use crate::api::body::Body;
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// How to sync.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartSync {
    /// Read everything again rather than what changed since the last run.
    #[serde(default)]
    full: bool,
}

/// Begins a run of an active pair. It goes on after the answer; the run's own address says how far it has come.
#[utoipa::path(post, path = "/api/pairs/{pairId}/sync", tag = "sync", operation_id = "startSync",
    params(PairPath), request_body = Option<StartSync>,
    responses(
        (status = 202, description = "The run, under way.", body = RunBody),
        (status = 400, description = "`invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`sync_running`, `pair_not_active` or `pair_braked`.", body = ErrorBody),
        (status = 503, description = "`busy` or `stopping`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::RunSyncs>,
    Path(path): Path<PairPath>,
    body: Option<Body<StartSync>>,
) -> Result<(StatusCode, Json<RunBody>), Problem> {
    let StartSync { full } = body.map(|Body(body)| body).unwrap_or_default();
    let organization = caller.organization;
    state.store.pair(organization, path.pair_id).await?;
    let slot = state.jobs.slot()?;
    let begun = state
        .engine
        .begin(organization, path.pair_id, RunTrigger::Manual, full)
        .await?;
    let run = begun.run_id();
    slot.run(carry_out(state.engine.clone(), begun));
    let run = state.store.run(organization, run).await?;
    Ok((StatusCode::ACCEPTED, Json(run.into())))
}

/// The engine writes down how the run ended; what is logged here is that it could not.
pub async fn carry_out(engine: Engine, begun: Begun) {
    let run = begun.run_id();
    if let Err(error) = engine.carry_out(begun).await {
        let error = describe(&error);
        tracing::error!(run.id = %run, error, "the outcome of a run could not be written down");
    }
}

#[cfg(test)]
mod tests {
    use partneros_store::SyncState as _;
    use serde_json::json;

    use crate::api::fixture::TestApi;
    use crate::state::Jobs;

    #[tokio::test]
    async fn a_run_begins_and_goes_on_after_the_answer() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/sync", api.active_pair().await);
        let answer = api
            .acme()
            .post(&path, json!({"full": true}))
            .await
            .expect(202);
        let run = &answer["run"];
        assert_eq!(
            (&run["kind"], &run["trigger"]),
            (&json!("first"), &json!("manual"))
        );
        api.state.jobs.finish().await;
        let path = format!("/api/runs/{}", run["id"].as_str().unwrap());
        let run = api.acme().get(&path).await.expect(200)["run"].clone();
        assert_eq!(run["outcome"], "failed", "there is no portal in this test");
        assert!(
            run["error"].as_str().unwrap().contains("no portal"),
            "{run}"
        );
    }

    #[tokio::test]
    async fn a_pair_syncs_once_at_a_time() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let path = format!("/api/pairs/{pair}/sync");
        let now = partneros_sync::Environment::now(api.environment.as_ref());
        let organization = api.acme().organization;
        let lease = api.store.acquire_lease(
            organization,
            pair.parse().unwrap(),
            now,
            now.plus_millis(1_000),
        );
        assert!(lease.await.unwrap().is_some());
        api.acme()
            .post(&path, json!({}))
            .await
            .refused(409, "sync_running");
    }

    #[tokio::test]
    async fn a_run_that_cannot_be_carried_out_does_not_begin() {
        let mut api = TestApi::new().await;
        let pair = api.active_pair().await;
        let path = format!("/api/pairs/{pair}/sync");
        api.serve(|state| state.jobs = Jobs::new(0));
        api.acme().post(&path, json!({})).await.refused(503, "busy");
        api.state.jobs.finish().await;
        api.acme()
            .post(&path, json!({}))
            .await
            .refused(503, "stopping");
        let runs = api
            .acme()
            .get(&format!("/api/pairs/{pair}/runs"))
            .await
            .expect(200);
        assert_eq!(runs["runs"], json!([]));
    }

    #[tokio::test]
    async fn a_draft_does_not_sync() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/sync", api.pair().await);
        api.acme()
            .post(&path, json!({}))
            .await
            .refused(409, "pair_not_active");
        api.acme()
            .post(&path, json!({"ful": true}))
            .await
            .refused(400, "invalid_body");
    }
}
