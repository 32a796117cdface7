//! `POST /api/pairs/{pairId}/detached/{recordId}/release`: has a record pushed as a new object.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::path::{DetachedPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What became of the record.
#[derive(Debug, Serialize, ToSchema)]
pub struct Released {
    /// Whether it was without an object, and is pushed as a new one now.
    released: bool,
}

/// Gives up the HubSpot object that a record had, so that the next run makes a new one of it. An object that is restored after
/// that becomes a record of its own. A record that has an object is left alone.
#[utoipa::path(post, path = "/api/pairs/{pairId}/detached/{recordId}/release", tag = "sync", operation_id = "releaseDetached",
    params(DetachedPath),
    responses(
        (status = 200, description = "Whether the record was without an object.", body = Released),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::RunSyncs>,
    Path(path): Path<DetachedPath>,
) -> Result<Json<Released>, Problem> {
    let act = state.engine.act(&caller.actor);
    let released = state
        .store
        .release_record(caller.organization, path.pair_id, path.record_id, act)
        .await?;
    Ok(Json(Released { released }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_released_record_waits_to_be_pushed() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let record = api.detach(&pair).await;
        let acme = api.acme();
        let path = format!("/api/pairs/{pair}/detached/{record}/release");
        for released in [true, false] {
            let answer = acme.post(&path, json!({})).await.expect(200);
            assert_eq!(answer, json!({"released": released}));
        }
        let listed = acme.get(&format!("/api/pairs/{pair}/detached")).await;
        assert_eq!(listed.expect(200)["detached"], json!([]));
        let events = acme.get("/api/audit-events?type=record.released").await;
        let events = events.expect(200);
        assert_eq!(events["events"].as_array().unwrap().len(), 1, "{events}");
    }
}
