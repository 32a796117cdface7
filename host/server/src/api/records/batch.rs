//! `POST /api/records/{object}/batch`: makes and changes many records, all or none.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::{ObjectSchema, RecordId};
use partneros_store::RecordChange;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RecordView;
use super::create::Error as FieldsError;
use super::fields::{self, Purpose, Sent};
use crate::api::body::Body;
use crate::api::objects::schema;
use crate::api::path::{ObjectPath, Path};
use crate::auth::{Caller, Permitted, permission};
use crate::problem::{Detail, ErrorBody, Problem};
use crate::state::AppState;

/// Records to make or change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpsertRecords {
    /// The records, at most 1,000.
    records: Vec<UpsertRecord>,
}

/// A record to make or change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpsertRecord {
    /// The record: changed if it exists, made with this id otherwise. Without an id one is made.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    id: Option<RecordId>,
    /// The values by field name. `null` clears a field; a field that is not named stays.
    #[schema(value_type = Object)]
    fields: Sent,
}

/// What became of the records, in the order they were sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpsertedRecords {
    records: Vec<UpsertedRecord>,
}

/// A record, and whether it is new.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpsertedRecord {
    #[serde(flatten)]
    record: RecordView,
    /// Whether it was made.
    created: bool,
}

/// A batch that cannot be used.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "failed because {got} records are more than the {max} that a batch may hold; send several batches"
    )]
    TooLarge { got: usize, max: usize },
    #[error("failed to use the batch, nothing of it was written; each detail names what to change")]
    Records(Vec<Detail>),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let problem = |code| Self::new(StatusCode::BAD_REQUEST, code, &error);
        match &error {
            Error::TooLarge { .. } => problem("batch_too_large"),
            Error::Records(details) => problem("invalid_records").with_details(details.clone()),
        }
    }
}

/// Makes and changes many records: all of them, or none.
#[utoipa::path(post, path = "/api/records/{object}/batch", tag = "records", operation_id = "upsertRecords",
    params(ObjectPath), request_body = UpsertRecords,
    responses(
        (status = 200, description = "The records, in the order they were sent.", body = UpsertedRecords),
        (status = 400, description = "`invalid_records` with every problem, `batch_too_large`, `too_many_fields`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`unknown_object`.", body = ErrorBody),
        (status = 409, description = "`conflict`: an id belongs to another object or to a deleted record.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditRecords>,
    Path(path): Path<ObjectPath>,
    Body(body): Body<UpsertRecords>,
) -> Result<Json<UpsertedRecords>, Problem> {
    let schema = schema(&path.object)?;
    let (got, max) = (body.records.len(), state.limits.batch_records_max);
    if got > max {
        return Err(Error::TooLarge { got, max }.into());
    }
    let changes = check(&state, &caller, &schema, body.records).await?;
    let now = state.environment.now();
    let written = state
        .store
        .upsert_records(caller.organization, &schema.name, changes, now)
        .await?;
    let records = written
        .into_iter()
        .map(|(record, created)| UpsertedRecord {
            record: record.into(),
            created,
        })
        .collect();
    Ok(Json(UpsertedRecords { records }))
}

/// The changes, or all that is wrong with any of them.
async fn check(
    state: &AppState,
    caller: &Caller,
    schema: &ObjectSchema,
    entries: Vec<UpsertRecord>,
) -> Result<Vec<RecordChange>, Problem> {
    let mut details = Vec::new();
    let mut changes = Vec::with_capacity(entries.len());
    let mut seen = HashSet::new();
    for (index, entry) in entries.into_iter().enumerate() {
        FieldsError::if_too_many(entry.fields.len(), state.limits.fields_max)?;
        if let Some(id) = entry.id.filter(|id| !seen.insert(*id)) {
            let fragment = format!("record `{id}` is in the batch twice; send it once");
            details.push(Detail::of_field("id", "duplicate_id", &fragment).at(index));
        }
        let purpose = purpose(state, caller, schema, &entry).await?;
        let id = entry
            .id
            .unwrap_or_else(|| RecordId(state.environment.new_id()));
        match fields::check(schema, entry.fields, purpose) {
            Ok(fields) => changes.push(RecordChange { id, fields }),
            Err(wrong) => details.extend(wrong.into_iter().map(|detail| detail.at(index))),
        }
    }
    if details.is_empty() {
        Ok(changes)
    } else {
        Err(Error::Records(details).into())
    }
}

/// Whether an entry makes a record. Looked up only where the answer matters.
async fn purpose(
    state: &AppState,
    caller: &Caller,
    schema: &ObjectSchema,
    entry: &UpsertRecord,
) -> Result<Purpose, Problem> {
    let Some(id) = entry.id else {
        return Ok(Purpose::Create);
    };
    if fields::names_required(schema, &entry.fields) {
        return Ok(Purpose::Update);
    }
    match state
        .store
        .record(caller.organization, &schema.name, id)
        .await
    {
        Ok(_) => Ok(Purpose::Update),
        Err(partneros_store::Error::NotFound { .. }) => Ok(Purpose::Create),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    const NEW_ID: &str = "01900000-0000-7000-8000-000000000001";

    #[tokio::test]
    async fn records_are_made_and_changed_together() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let known = acme.make_partner("Known").await;
        let batch = json!({"records": [
            {"fields": {"name": "New"}},
            {"id": known, "fields": {"city": "Oslo"}},
            {"id": NEW_ID, "fields": {"name": "Chosen"}},
        ]});
        let answer = acme
            .post("/api/records/partners/batch", batch.clone())
            .await
            .expect(200);
        let records = answer["records"].as_array().unwrap();
        let created: Vec<_> = records
            .iter()
            .map(|record| record["created"].clone())
            .collect();
        assert_eq!(created, [true, false, true]);
        assert_eq!(
            records[1]["fields"],
            json!({"city": "Oslo", "name": "Known"})
        );
        assert_eq!(records[2]["id"], NEW_ID);
        let empty = acme
            .post("/api/records/partners/batch", json!({"records": []}))
            .await;
        assert_eq!(empty.expect(200)["records"], json!([]));
    }

    #[tokio::test]
    async fn one_bad_entry_keeps_all_out_and_every_problem_is_named() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let batch = json!({"records": [
            {"fields": {"name": "Good"}},
            {"fields": {"city": 1}},
            {"id": NEW_ID, "fields": {"city": "Oslo"}},
            {"id": NEW_ID, "fields": {"name": "Twice", "colour": "red"}},
        ]});
        let answer = acme.post("/api/records/partners/batch", batch).await;
        answer.refused(400, "invalid_records");
        insta::assert_json_snapshot!("invalid_records", answer.json);
        let page = acme.get("/api/records/partners").await.expect(200);
        assert_eq!(page["records"], json!([]));
    }

    #[tokio::test]
    async fn limits_and_shapes_are_kept() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let path = "/api/records/partners/batch";
        let many = vec![json!({"fields": {"name": "x"}}); 1_001];
        acme.post(path, json!({"records": many}))
            .await
            .refused(400, "batch_too_large");
        let message = acme
            .post(path, json!({"records": [{"id": "7", "fields": {}}]}))
            .await
            .refused(400, "invalid_body");
        assert!(message.contains("records[0].id"), "{message}");
        let message = acme
            .post(path, json!({"records": [{"fields": {}, "colour": 1}]}))
            .await
            .refused(400, "invalid_body");
        assert!(message.contains("`colour`"), "{message}");
    }

    #[tokio::test]
    async fn the_id_of_a_deleted_record_is_a_conflict() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let id = acme.make_partner("Gone").await;
        acme.delete(&format!("/api/records/partners/{id}"))
            .await
            .expect(200);
        let batch = json!({"records": [{"fields": {"name": "New"}}, {"id": id, "fields": {"name": "Back"}}]});
        acme.post("/api/records/partners/batch", batch)
            .await
            .refused(409, "conflict");
        let page = acme.get("/api/records/partners").await.expect(200);
        assert_eq!(page["records"], json!([]));
    }
}
