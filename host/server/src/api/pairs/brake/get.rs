//! `GET /api/pairs/{pairId}/brake`: what was about to change too much at once.

use axum::Json;
use axum::extract::State;

use super::{BrakeBody, read};
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Shows what the brake has stopped: how many records would have changed, with samples, and what was decided about it.
#[utoipa::path(get, path = "/api/pairs/{pairId}/brake", tag = "sync", operation_id = "getBrake",
    params(PairPath),
    responses(
        (status = 200, description = "The brake; no changes when nothing was stopped.", body = BrakeBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
) -> Result<Json<BrakeBody>, Problem> {
    Ok(Json(read(&state, caller.organization, path.pair_id).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_pair_that_runs_shows_nothing() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/brake", api.active_pair().await);
        let shown = api.acme().get(&path).await.expect(200);
        assert_eq!(shown, json!({"brake": {"braked": false, "changes": []}}));
    }

    #[tokio::test]
    async fn a_braked_pair_shows_what_was_stopped_and_does_not_sync() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let record = api.brake(&pair).await;
        let (acme, path) = (api.acme(), format!("/api/pairs/{pair}"));
        let mut shown = acme.get(&format!("{path}/brake")).await.expect(200);
        let change = &mut shown["brake"]["changes"][0];
        assert!(change["runId"].take().is_string());
        let expected = json!({
            "side": "partneros",
            "field": "city",
            "records": 60,
            "blanked": 60,
            "allowed": 50,
            "links": 80,
            "samples": [{"recordId": record, "hubspotId": "77", "from": "Oslo", "to": null}],
            "runId": null,
            "at": "2026-11-23T09:00:00.000Z",
            "verdict": null,
            "decidedBy": null,
            "decidedAt": null,
            "until": null,
        });
        assert_eq!(
            shown,
            json!({"brake": {"braked": true, "changes": [expected]}})
        );
        let state = acme.get(&path).await.expect(200);
        assert_eq!(state["pair"]["state"], "braked");
        for action in ["sync", "activate"] {
            acme.post(&format!("{path}/{action}"), json!({}))
                .await
                .refused(409, "pair_braked");
        }
        let id = api.connection().await;
        let health = acme.get(&format!("/api/integrations/{id}/health")).await;
        assert_eq!(health.expect(200)["health"]["pairs"][0]["state"], "braked");
    }
}
