//! `GET /api/pairs/{pairId}/detached`: records that lost their HubSpot object.

use axum::Json;
use axum::extract::State;
use partneros_domain::{HubSpotId, RecordId, Timestamp};
use partneros_store::{Detached, Parting};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::path::{PairPath, Path};
use crate::api::query::{Paging, Query};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of records without an object.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetachedPage {
    detached: Vec<DetachedView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// A record that is kept without an object.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DetachedRecord)]
pub struct DetachedView {
    /// The record.
    #[schema(value_type = uuid::Uuid)]
    record_id: RecordId,
    /// The object that it had last.
    #[schema(value_type = String)]
    hubspot_id: HubSpotId,
    /// Why it has it no more.
    #[schema(value_type = words::Parting)]
    reason: Parting,
    /// The object that is left, if its object was merged; another record has it.
    #[schema(value_type = Option<String>)]
    merged_into: Option<HubSpotId>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Detached> for DetachedView {
    fn from(detached: Detached) -> Self {
        Self {
            record_id: detached.record_id,
            hubspot_id: detached.hubspot_id,
            reason: detached.parting,
            merged_into: detached.merged_into,
            at: detached.at,
        }
    }
}

/// Lists the records of a pair that are kept without a HubSpot object because theirs was archived, erased or merged; those that
/// lost it last come first. They are not pushed.
#[utoipa::path(get, path = "/api/pairs/{pairId}/detached", tag = "sync", operation_id = "listDetached",
    params(PairPath, Paging),
    responses(
        (status = 200, description = "A page of records.", body = DetachedPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
    Query(paging): Query<Paging>,
) -> Result<Json<DetachedPage>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .detached_records(caller.organization, path.pair_id, cursor, limit)
        .await?;
    Ok(Json(DetachedPage {
        detached: page.items.into_iter().map(DetachedView::from).collect(),
        next_cursor: page.next,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_record_without_its_object_is_listed_with_the_reason() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let record = api.detach(&pair).await;
        let answer = api
            .acme()
            .get(&format!("/api/pairs/{pair}/detached"))
            .await
            .expect(200);
        let expected = json!({
            "recordId": record,
            "hubspotId": "77",
            "reason": "archived",
            "mergedInto": null,
            "at": "2026-11-23T09:00:00.000Z",
        });
        assert_eq!(answer, json!({"detached": [expected], "nextCursor": null}));
        let summary = api.acme().get(&format!("/api/pairs/{pair}/summary")).await;
        assert_eq!(summary.expect(200)["summary"]["detachedRecords"], 1);
    }
}
