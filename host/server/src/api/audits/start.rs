//! `POST /api/pairs/{pairId}/audits`: audits a pair now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_store::RunTrigger;

use crate::api::path::{PairPath, Path};
use crate::api::runs::RunBody;
use crate::api::runs::start::carry_out;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Begins a run of an active pair that syncs what changed and then compares both sides as a whole. It goes on after the
/// answer; once it is through, the list of the pair's audits tells what it found.
#[utoipa::path(post, path = "/api/pairs/{pairId}/audits", tag = "sync", operation_id = "startAudit",
    params(PairPath),
    responses(
        (status = 202, description = "The run, under way.", body = RunBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`sync_running`, `pair_not_active` or `pair_braked`.", body = ErrorBody),
        (status = 503, description = "`busy` or `stopping`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::RunSyncs>,
    Path(path): Path<PairPath>,
) -> Result<(StatusCode, Json<RunBody>), Problem> {
    let organization = caller.organization;
    state.store.pair(organization, path.pair_id).await?;
    let slot = state.jobs.slot()?;
    let begun = state
        .engine
        .begin_audit(organization, path.pair_id, RunTrigger::Manual)
        .await?;
    let run = begun.run_id();
    slot.run(carry_out(state.engine.clone(), begun));
    let run = state.store.run(organization, run).await?;
    Ok((StatusCode::ACCEPTED, Json(run.into())))
}

#[cfg(test)]
mod tests {
    use partneros_store::SyncState as _;
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn an_audit_is_a_run_of_its_own_kind() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/audits", api.active_pair().await);
        let answer = api.acme().post(&path, json!({})).await.expect(202);
        let run = &answer["run"];
        assert_eq!(
            (&run["kind"], &run["trigger"]),
            (&json!("audit"), &json!("manual"))
        );
        api.state.jobs.finish().await;
    }

    #[tokio::test]
    async fn a_pair_that_syncs_is_not_audited_beside_it() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let now = partneros_sync::Environment::now(api.environment.as_ref());
        let organization = api.acme().organization;
        let until = now.plus_millis(1_000);
        let lease = api
            .store
            .acquire_lease(organization, pair.parse().unwrap(), now, until);
        assert!(lease.await.unwrap().is_some());
        api.acme()
            .post(&format!("/api/pairs/{pair}/audits"), json!({}))
            .await
            .refused(409, "sync_running");
    }

    #[tokio::test]
    async fn a_draft_is_not_audited() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/audits", api.pair().await);
        api.acme()
            .post(&path, json!({}))
            .await
            .refused(409, "pair_not_active");
    }
}
