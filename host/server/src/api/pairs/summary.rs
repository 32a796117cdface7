//! `GET /api/pairs/{pairId}/summary`: how far a pair has come, in numbers.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// How far a pair has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryBody {
    summary: Summary,
}

/// Counts of a pair.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PairSummary)]
pub struct Summary {
    /// Records of the pair's object.
    records: u64,
    /// Links between a record and a HubSpot object, those of deleted records among them.
    links: u64,
    /// Records that wait to be pushed.
    waiting_records: u64,
    /// Records that are kept without their HubSpot object, which is gone.
    detached_records: u64,
}

/// Counts a pair's records, links, and records that wait to be pushed.
#[utoipa::path(get, path = "/api/pairs/{pairId}/summary", tag = "pairs", operation_id = "getPairSummary",
    params(PairPath),
    responses(
        (status = 200, description = "The counts.", body = SummaryBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
) -> Result<Json<SummaryBody>, Problem> {
    let pair = state.store.pair(caller.organization, path.pair_id).await?;
    let summary = Summary {
        records: state
            .store
            .count_records(caller.organization, &pair.object)
            .await?,
        links: state
            .store
            .count_links(caller.organization, pair.id)
            .await?,
        waiting_records: state
            .store
            .count_outbox(caller.organization, pair.id)
            .await?,
        detached_records: state
            .store
            .count_detached(caller.organization, pair.id, None)
            .await?,
    };
    Ok(Json(SummaryBody { summary }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_new_pair_has_records_but_no_links() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/summary", api.pair().await);
        api.acme().make_partner("Acme").await;
        let answer = api.acme().get(&path).await.expect(200);
        assert_eq!(
            answer,
            json!({"summary": {"records": 1, "links": 0, "waitingRecords": 0, "detachedRecords": 0}})
        );
    }
}
