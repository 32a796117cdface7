//! `GET /api/pairs/{pairId}/mappings/{field}/removed-options`: which records hold options that HubSpot has removed.

use axum::Json;
use axum::extract::State;
use partneros_sync::RemovedOption;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::path::{MappingPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What records hold that HubSpot does not offer any more.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemovedOptions {
    /// By property and value, 50 of each property at most; empty when there are none.
    removed_options: Vec<RemovedOptionView>,
}

/// An option that HubSpot has removed and that records still hold.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RemovedOption)]
pub struct RemovedOptionView {
    /// The HubSpot property.
    property: String,
    /// The option's value.
    value: String,
    /// How many records hold it.
    record_count: u64,
    /// The first 20 of them, in the order they were made.
    record_ids: Vec<Uuid>,
}

impl From<RemovedOption> for RemovedOptionView {
    fn from(option: RemovedOption) -> Self {
        Self {
            property: option.property.to_string(),
            value: option.value,
            record_count: option.record_count,
            record_ids: option.record_ids.into_iter().map(|id| id.0).collect(),
        }
    }
}

/// Shows which records hold, by the mapping of a field, options that HubSpot had when they were synced and has removed
/// since, as far as the schema is known. Such a value is not written to HubSpot again; edit these records, or put the option
/// back.
#[utoipa::path(get, path = "/api/pairs/{pairId}/mappings/{field}/removed-options", tag = "mappings", operation_id = "listRemovedOptions",
    params(MappingPath),
    responses(
        (status = 200, description = "The options with their records.", body = RemovedOptions),
        (status = 404, description = "`not_found`: the pair or the field.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<MappingPath>,
) -> Result<Json<RemovedOptions>, Problem> {
    let removed = state
        .engine
        .removed_options(caller.organization, path.pair_id, &path.field)
        .await?;
    Ok(Json(RemovedOptions {
        removed_options: removed.into_iter().map(RemovedOptionView::from).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_field_whose_options_are_all_there_lists_none() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/mappings", api.active_pair().await);
        let acme = api.acme();
        for field in ["industry", "name"] {
            let answer = acme.get(&format!("{path}/{field}/removed-options")).await;
            assert_eq!(answer.expect(200), json!({"removedOptions": []}));
        }
        let answer = acme.get(&format!("{path}/nonsense/removed-options")).await;
        let message = answer.refused(404, "not_found");
        assert!(message.contains("`nonsense`"), "{message}");
    }
}
