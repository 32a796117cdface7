//! `POST /api/pairs/{pairId}/activate`: starts a pair.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{PairView, note};
use crate::api::mappings::round_trip::ExampleView;
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What starting a pair did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Activated {
    pair: PairView,
    /// How many fields sync.
    live_fields: usize,
    /// Fields whose suggestion waits to be confirmed, and which do not sync.
    undecided_fields: Vec<String>,
    /// Two-way fields whose values do not come back to HubSpot as they were, with an example each: better synced one way.
    not_reversible: Vec<ExampleView>,
}

/// Starts a pair: from now on values flow. A pair that writes to HubSpot first gets its property there.
#[utoipa::path(post, path = "/api/pairs/{pairId}/activate", tag = "pairs", operation_id = "activatePair",
    params(PairPath),
    responses(
        (status = 200, description = "The pair, active.", body = Activated),
        (status = 400, description = "`invalid_mappings` with every problem.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`pair_braked`: approve or discard what the brake has stopped. `not_connected`, `reauth_required`, `missing_scopes` or `hubspot_refused`.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
        (status = 503, description = "`hubspot_unavailable`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<PairPath>,
) -> Result<Json<Activated>, Problem> {
    let activation = state
        .engine
        .activate(caller.organization, path.pair_id)
        .await?;
    let pair = state.store.pair(caller.organization, path.pair_id).await?;
    let undecided = activation.undecided_fields.iter().map(ToString::to_string);
    let metadata = json!({"liveFields": activation.live_fields});
    note(&state, &caller, EventType::PairActivated, pair.id, metadata).await?;
    let not_reversible = activation.not_reversible.into_iter().map(ExampleView::from);
    Ok(Json(Activated {
        pair: pair.into(),
        live_fields: activation.live_fields,
        undecided_fields: undecided.collect(),
        not_reversible: not_reversible.collect(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_pair_with_mappings_starts() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let acme = api.acme();
        acme.post(&format!("{path}/suggestions"), json!({}))
            .await
            .expect(200);
        let answer = acme
            .post(&format!("{path}/activate"), json!({}))
            .await
            .expect(200);
        assert_eq!(answer["pair"]["state"], "active");
        assert!(answer["liveFields"].as_u64().unwrap() >= 3, "{answer}");
    }

    #[tokio::test]
    async fn a_pair_without_mappings_does_not_start() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let answer = api
            .acme()
            .post(&format!("{path}/activate"), json!({}))
            .await;
        answer.refused(400, "invalid_mappings");
        insta::assert_json_snapshot!("nothing_mapped", answer.json);
        let pair = api.acme().get(&path).await.expect(200);
        assert_eq!(pair["pair"]["state"], "draft");
    }

    #[tokio::test]
    async fn a_pair_that_writes_needs_its_portal() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let acme = api.acme();
        acme.patch(&path, json!({"direction": "bidirectional"}))
            .await
            .expect(200);
        acme.post(&format!("{path}/suggestions"), json!({}))
            .await
            .expect(200);
        let activate = format!("{path}/activate");
        acme.post(&activate, json!({}))
            .await
            .refused(409, "not_connected");
        api.portals.open();
        acme.post(&activate, json!({}))
            .await
            .refused(503, "hubspot_unavailable");
        assert_eq!(acme.get(&path).await.expect(200)["pair"]["state"], "draft");
    }
}
