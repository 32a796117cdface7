//! `POST /api/pairs/{pairId}/failures/retry`: pushes again what HubSpot refused.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What the next run does again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Requeued {
    /// How many records.
    requeued: u64,
}

/// Has the next run push every record again that has a failure on its way to HubSpot, with the fields that a tug of war
/// paused. What failed on its way here is read again by a full sync, or when it changes in HubSpot.
#[utoipa::path(post, path = "/api/pairs/{pairId}/failures/retry", tag = "sync", operation_id = "retryFailures",
    params(PairPath),
    responses(
        (status = 200, description = "How many records are pushed again.", body = Requeued),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::RunSyncs>,
    Path(path): Path<PairPath>,
) -> Result<Json<Requeued>, Problem> {
    let now = state.environment.now();
    let requeued = state
        .store
        .requeue(caller.organization, path.pair_id, true, now)
        .await?;
    Ok(Json(Requeued { requeued }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;
    use crate::api::runs::fixture::Settled;

    #[tokio::test]
    async fn failed_records_wait_again() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        api.settle(&pair, Settled::Failure).await;
        api.acme().make_partner("Without failure").await;
        let path = format!("/api/pairs/{pair}");
        let answer = api
            .acme()
            .post(&format!("{path}/failures/retry"), json!({}))
            .await
            .expect(200);
        assert_eq!(answer, json!({"requeued": 1}));
        let summary = api.acme().get(&format!("{path}/summary")).await.expect(200);
        assert_eq!(summary["summary"]["waitingRecords"], 1);
    }
}
