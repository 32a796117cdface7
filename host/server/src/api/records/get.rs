//! `GET /api/records/{object}/{recordId}`: one record.

use axum::extract::State;

use super::RecordBody;
use crate::api::objects::schema;
use crate::api::path::{Path, RecordPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Shows a record.
#[utoipa::path(get, path = "/api/records/{object}/{recordId}", tag = "records", operation_id = "getRecord",
    params(RecordPath),
    responses(
        (status = 200, description = "The record; `ETag` is its version.", body = RecordBody),
        (status = 404, description = "`not_found` or `unknown_object`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<RecordPath>,
) -> Result<RecordBody, Problem> {
    schema(&path.object)?;
    let record = state
        .store
        .record(caller.organization, &path.object, path.record_id)
        .await?;
    Ok(record.into())
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_record_is_shown_with_its_version_as_tag() {
        let api = TestApi::new().await;
        let id = api.acme().make_partner("Acme").await;
        let answer = api.acme().get(&format!("/api/records/partners/{id}")).await;
        assert_eq!(answer.header("etag"), "\"1\"");
        assert_eq!(answer.expect(200)["record"]["fields"]["name"], "Acme");
    }

    #[tokio::test]
    async fn an_unknown_id_and_one_that_is_none_are_the_same() {
        let api = TestApi::new().await;
        let id = api.acme().make_partner("Acme").await;
        for path in [
            "partners/01900000-0000-7000-8000-000000000000".to_owned(),
            "partners/not-an-id".to_owned(),
            format!("deals/{id}"),
        ] {
            api.acme()
                .get(&format!("/api/records/{path}"))
                .await
                .refused(404, "not_found");
        }
    }
}
