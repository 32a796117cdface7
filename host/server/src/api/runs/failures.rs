//! `GET /api/pairs/{pairId}/failures`: what could not be synced, why, and what to do about it.

use axum::Json;
use axum::extract::State;
use partneros_domain::{HubSpotId, RecordId, Timestamp};
use partneros_store::{FailureEntry, FailureStage};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::path::{PairPath, Path};
use crate::api::query::{Paging, Query};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of failures.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailurePage {
    failures: Vec<FailureView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// Something that could not be synced.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Failure)]
pub struct FailureView {
    /// The record; null when there is none, or when a field of the whole pair does not sync.
    #[schema(value_type = Option<uuid::Uuid>)]
    record_id: Option<RecordId>,
    /// The HubSpot object, if there is one.
    #[schema(value_type = Option<String>)]
    hubspot_id: Option<HubSpotId>,
    /// Where it happened.
    #[schema(value_type = words::FailureStage)]
    stage: FailureStage,
    /// The PartnerOS field, when it is about one.
    field: Option<String>,
    /// The HubSpot property, when it is about one.
    property: Option<String>,
    /// A stable code, such as `INVALID_OPTION`.
    code: String,
    /// What is wrong.
    message: String,
    /// What to do about it.
    hint: String,
    /// When it was found.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<FailureEntry> for FailureView {
    fn from(entry: FailureEntry) -> Self {
        Self {
            record_id: entry.record_id,
            hubspot_id: entry.hubspot_id,
            stage: entry.stage,
            field: entry.failure.field.map(|name| name.to_string()),
            property: entry.failure.property.map(|name| name.to_string()),
            code: entry.failure.code,
            message: entry.failure.message,
            hint: entry.failure.hint,
            at: entry.at,
        }
    }
}

/// Lists what of a pair does not sync, newest first.
#[utoipa::path(get, path = "/api/pairs/{pairId}/failures", tag = "sync", operation_id = "listFailures",
    params(PairPath, Paging),
    responses(
        (status = 200, description = "A page of failures.", body = FailurePage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
    Query(paging): Query<Paging>,
) -> Result<Json<FailurePage>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .failures(caller.organization, path.pair_id, cursor, limit)
        .await?;
    Ok(Json(FailurePage {
        failures: page.items.into_iter().map(FailureView::from).collect(),
        next_cursor: page.next,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;
    use crate::api::runs::fixture::Settled;

    #[tokio::test]
    async fn a_failure_says_what_to_do() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let record = api.settle(&pair, Settled::Failure).await;
        let answer = api
            .acme()
            .get(&format!("/api/pairs/{pair}/failures"))
            .await
            .expect(200);
        let expected = json!({
            "recordId": record,
            "hubspotId": "77",
            "stage": "push",
            "field": "city",
            "property": "city",
            "code": "INVALID_OPTION",
            "message": "Oslo was not one of the options",
            "hint": "add the option in HubSpot",
            "at": "2026-11-23T09:00:00.000Z",
        });
        assert_eq!(answer, json!({"failures": [expected], "nextCursor": null}));
    }
}
