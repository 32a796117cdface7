//! `GET /api/pairs/{pairId}/conflicts`: conflicts that were settled, with the value that lost.

use axum::Json;
use axum::extract::State;
use partneros_domain::{ConflictRule, HubSpotId, RecordId, Side, Timestamp};
use partneros_store::ConflictEntry;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::path::{PairPath, Path};
use crate::api::query::{Paging, Query};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of conflicts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConflictPage {
    conflicts: Vec<ConflictView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// A field that changed on both sides between two runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conflict)]
pub struct ConflictView {
    /// The record.
    #[schema(value_type = uuid::Uuid)]
    record_id: RecordId,
    /// The HubSpot object.
    #[schema(value_type = String)]
    hubspot_id: HubSpotId,
    /// The PartnerOS field.
    field: String,
    /// The HubSpot property.
    property: String,
    /// PartnerOS's value.
    #[schema(value_type = Value)]
    partneros_value: serde_json::Value,
    /// HubSpot's value, as HubSpot sends it.
    hubspot_value: Option<String>,
    /// Whose value stayed.
    #[schema(value_type = words::Side)]
    winner: Side,
    /// Why.
    #[schema(value_type = words::ConflictRule)]
    rule: ConflictRule,
    /// When it was settled.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<ConflictEntry> for ConflictView {
    fn from(entry: ConflictEntry) -> Self {
        Self {
            record_id: entry.record_id,
            hubspot_id: entry.hubspot_id,
            field: entry.conflict.field.to_string(),
            property: entry.conflict.property.to_string(),
            partneros_value: entry.conflict.partneros_value,
            hubspot_value: entry.conflict.hubspot_value,
            winner: entry.conflict.winner,
            rule: entry.conflict.rule,
            at: entry.at,
        }
    }
}

/// Lists the conflicts of a pair that were settled, newest first.
#[utoipa::path(get, path = "/api/pairs/{pairId}/conflicts", tag = "sync", operation_id = "listConflicts",
    params(PairPath, Paging),
    responses(
        (status = 200, description = "A page of conflicts.", body = ConflictPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
    Query(paging): Query<Paging>,
) -> Result<Json<ConflictPage>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .conflicts(caller.organization, path.pair_id, cursor, limit)
        .await?;
    Ok(Json(ConflictPage {
        conflicts: page.items.into_iter().map(ConflictView::from).collect(),
        next_cursor: page.next,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;
    use crate::api::runs::fixture::Settled;

    #[tokio::test]
    async fn a_conflict_shows_both_values_and_who_won() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let record = api.settle(&pair, Settled::Conflict).await;
        let answer = api
            .acme()
            .get(&format!("/api/pairs/{pair}/conflicts"))
            .await
            .expect(200);
        let expected = json!({
            "recordId": record,
            "hubspotId": "77",
            "field": "city",
            "property": "city",
            "partnerosValue": "Oslo",
            "hubspotValue": "Rome",
            "winner": "hubspot",
            "rule": "policy",
            "at": "2026-11-23T09:00:00.000Z",
        });
        assert_eq!(answer, json!({"conflicts": [expected], "nextCursor": null}));
    }
}
