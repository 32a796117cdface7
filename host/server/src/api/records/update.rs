//! `PATCH /api/records/{object}/{recordId}`: changes a record.

use axum::extract::State;
use axum::http::StatusCode;
use partneros_store::RecordPatch;
use serde::Deserialize;
use utoipa::ToSchema;

use super::RecordBody;
use super::create::Error as FieldsError;
use super::fields::{self, Purpose, Sent};
use crate::api::body::Body;
use crate::api::condition::IfMatch;
use crate::api::objects::schema;
use crate::api::path::{Path, RecordPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What to change about a record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRecord {
    /// The changes by field name. `null` clears a field; a field that is not named stays.
    #[schema(value_type = Object)]
    fields: Sent,
}

/// A condition that does not hold.
#[derive(Debug, thiserror::Error)]
#[error("{0}; read it again and repeat the change with its new version")]
struct Changed(partneros_store::Error);

impl From<Changed> for Problem {
    fn from(error: Changed) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", &error)
    }
}

/// Changes a record. With `If-Match` only if it still has that version.
#[utoipa::path(patch, path = "/api/records/{object}/{recordId}", tag = "records", operation_id = "updateRecord",
    params(RecordPath, ("If-Match" = Option<String>, Header, description = "The version that was read, as in `ETag`.")),
    request_body = UpdateRecord,
    responses(
        (status = 200, description = "The record as it is now.", body = RecordBody),
        (status = 400, description = "`invalid_fields` with every problem, `invalid_if_match`, `too_many_fields`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found` or `unknown_object`.", body = ErrorBody),
        (status = 412, description = "`version_mismatch`: the record has changed since it was read.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditRecords>,
    Path(RecordPath { object, record_id }): Path<RecordPath>,
    IfMatch(expected_version): IfMatch,
    Body(body): Body<UpdateRecord>,
) -> Result<RecordBody, Problem> {
    let schema = schema(&object)?;
    FieldsError::if_too_many(body.fields.len(), state.limits.fields_max)?;
    let fields =
        fields::check(&schema, body.fields, Purpose::Update).map_err(FieldsError::Fields)?;
    let patch = RecordPatch {
        fields,
        expected_version,
    };
    let now = state.environment.now();
    let updated = state
        .store
        .update_record(caller.organization, &schema.name, record_id, patch, now)
        .await;
    match updated {
        Ok(record) => Ok(record.into()),
        Err(error @ partneros_store::Error::Conflict { .. }) => Err(Changed(error).into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_change_counts_the_version_and_leaves_the_rest() {
        let api = TestApi::new().await;
        let path = format!(
            "/api/records/partners/{}",
            api.acme().make_partner("Acme").await
        );
        let acme = api.acme();
        acme.patch(&path, json!({"fields": {"city": "Oslo"}}))
            .await
            .expect(200);
        let answer = acme
            .patch(&path, json!({"fields": {"city": null, "employees": 7}}))
            .await;
        assert_eq!(answer.header("etag"), "\"3\"");
        assert_eq!(
            answer.expect(200)["record"]["fields"],
            json!({"employees": 7, "name": "Acme"})
        );
    }

    #[tokio::test]
    async fn a_lost_race_changes_nothing() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let path = format!("/api/records/partners/{}", acme.make_partner("Acme").await);
        let change = |city: &str| json!({"fields": {"city": city}});
        acme.patch_if(&path, "\"1\"", change("Oslo"))
            .await
            .expect(200);
        let lost = acme.patch_if(&path, "\"1\"", change("Rome")).await;
        lost.refused(412, "version_mismatch");
        insta::assert_json_snapshot!("version_mismatch", lost.json);
        assert_eq!(
            acme.get(&path).await.expect(200)["record"]["fields"]["city"],
            "Oslo"
        );
        acme.patch_if(&path, "*", change("Rome")).await.expect(200);
        for condition in ["1", "W/\"1\"", "\"one\"", "\"1\", \"2\""] {
            acme.patch_if(&path, condition, change("Bern"))
                .await
                .refused(400, "invalid_if_match");
        }
    }

    #[tokio::test]
    async fn a_required_field_cannot_be_cleared() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let path = format!("/api/records/partners/{}", acme.make_partner("Acme").await);
        let answer = acme
            .patch(&path, json!({"fields": {"name": null, "city": 3}}))
            .await;
        answer.refused(400, "invalid_fields");
        let fields: Vec<_> = answer
            .details()
            .map(|detail| detail["field"].clone())
            .collect();
        assert_eq!(fields, ["city", "name"]);
        assert_eq!(acme.get(&path).await.expect(200)["record"]["version"], 1);
    }
}
