//! `POST /api/pairs/{pairId}/pause`: stops a pair.

use axum::Json;
use axum::extract::State;
use partneros_domain::{EventType, PairState};
use serde_json::json;

use super::{PairBody, note};
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Stops a pair: no run begins until it is activated again. A run that is under way ends first.
#[utoipa::path(post, path = "/api/pairs/{pairId}/pause", tag = "pairs", operation_id = "pausePair",
    params(PairPath),
    responses(
        (status = 200, description = "The pair, paused.", body = PairBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`pair_not_active`: a draft has nothing to stop.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<PairPath>,
) -> Result<Json<PairBody>, Problem> {
    let pair = state.store.pair(caller.organization, path.pair_id).await?;
    if pair.state == PairState::Draft {
        return Err(partneros_sync::Error::NotActive.into());
    }
    let now = state.environment.now();
    state
        .store
        .set_pair_state(caller.organization, pair.id, PairState::Paused, now)
        .await?;
    note(&state, &caller, EventType::PairPaused, pair.id, json!({})).await?;
    Ok(Json(
        state.store.pair(caller.organization, pair.id).await?.into(),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_paused_pair_does_not_sync() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.active_pair().await);
        let acme = api.acme();
        for _ in 0..2 {
            let pair = acme
                .post(&format!("{path}/pause"), json!({}))
                .await
                .expect(200);
            assert_eq!(pair["pair"]["state"], "paused");
        }
        acme.post(&format!("{path}/sync"), json!({}))
            .await
            .refused(409, "pair_not_active");
    }

    #[tokio::test]
    async fn a_draft_cannot_be_paused() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/pause", api.pair().await);
        api.acme()
            .post(&path, json!({}))
            .await
            .refused(409, "pair_not_active");
    }
}
