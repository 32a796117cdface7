//! `POST /api/pairs/{pairId}/brake/approve`: lets a mass change go on.

use axum::Json;
use axum::extract::State;
use partneros_store::BrakeVerdict;

use super::{BrakeBody, decide};
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Lets what the brake has stopped go on: the pair syncs again, and changes of these fields are not counted until a run has
/// succeeded, for `sync.brake.decision_ms` (an hour) at most. What was not stopped yet is counted as before. Does nothing when
/// nothing waits.
#[utoipa::path(post, path = "/api/pairs/{pairId}/brake/approve", tag = "sync", operation_id = "approveBrake",
    params(PairPath),
    responses(
        (status = 200, description = "The brake as it is now.", body = BrakeBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<PairPath>,
) -> Result<Json<BrakeBody>, Problem> {
    let by = (caller.organization, caller.actor.as_str());
    let body = decide(&state, by, path.pair_id, BrakeVerdict::Approved).await?;
    Ok(Json(body))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_braked_pair_goes_on() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        api.brake(&pair).await;
        let (acme, path) = (api.acme(), format!("/api/pairs/{pair}"));
        for _ in 0..2 {
            let shown = acme
                .post(&format!("{path}/brake/approve"), json!({}))
                .await
                .expect(200);
            assert_eq!(shown["brake"]["braked"], false);
            let change = &shown["brake"]["changes"][0];
            assert_eq!(change["verdict"], "approved");
            assert_eq!(change["until"], "2026-11-23T10:00:00.000Z");
        }
        let state = acme.get(&path).await.expect(200);
        assert_eq!(state["pair"]["state"], "active");
        let events = acme.get("/api/audit-events?type=pair.brake_").await;
        let events = events.expect(200)["events"].as_array().unwrap().len();
        assert_eq!(events, 1, "once");
    }
}
