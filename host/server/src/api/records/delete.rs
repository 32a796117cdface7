//! `DELETE /api/records/{object}/{recordId}`: deletes a record.

use axum::Json;
use axum::extract::State;

use crate::api::Success;
use crate::api::objects::schema;
use crate::api::path::{Path, RecordPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Deletes a record. The HubSpot object that it was linked to stays, and is not pulled again; where the pair mirrors deletions, the
/// next run archives it.
#[utoipa::path(delete, path = "/api/records/{object}/{recordId}", tag = "records", operation_id = "deleteRecord",
    params(RecordPath),
    responses(
        (status = 200, description = "The record is gone.", body = Success),
        (status = 404, description = "`not_found` or `unknown_object`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditRecords>,
    Path(path): Path<RecordPath>,
) -> Result<Json<Success>, Problem> {
    schema(&path.object)?;
    let now = state.environment.now();
    state
        .store
        .delete_record(caller.organization, &path.object, path.record_id, now)
        .await?;
    Ok(Json(Success::YES))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_deleted_record_is_gone() {
        let api = TestApi::new().await;
        let path = format!(
            "/api/records/partners/{}",
            api.acme().make_partner("Acme").await
        );
        let acme = api.acme();
        assert_eq!(
            acme.delete(&path).await.expect(200),
            json!({"success": true})
        );
        acme.get(&path).await.refused(404, "not_found");
        acme.delete(&path).await.refused(404, "not_found");
    }
}
