//! `DELETE /api/pairs/{pairId}`: removes a pair.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use serde_json::json;

use super::{PairView, note};
use crate::api::Success;
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Removes a pair with its mappings, links and history. Records and HubSpot objects stay.
#[utoipa::path(delete, path = "/api/pairs/{pairId}", tag = "pairs", operation_id = "deletePair",
    params(PairPath),
    responses(
        (status = 200, description = "The pair is gone.", body = Success),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<PairPath>,
) -> Result<Json<Success>, Problem> {
    let (organization, id) = (caller.organization, path.pair_id);
    let pair = PairView::from(state.store.pair(organization, id).await?);
    state.store.delete_pair(organization, id).await?;
    note(&state, &caller, EventType::PairDeleted, id, json!(pair)).await?;
    Ok(Json(Success::YES))
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_deleted_pair_is_gone_and_its_records_stay() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let record = api.acme().make_partner("Acme").await;
        api.acme().delete(&path).await.expect(200);
        api.acme().get(&path).await.refused(404, "not_found");
        api.acme()
            .get(&format!("/api/records/partners/{record}"))
            .await
            .expect(200);
    }
}
