//! `POST /api/records/{object}`: makes a record.

use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::RecordId;
use partneros_store::NewRecord;
use serde::Deserialize;
use utoipa::ToSchema;

use super::RecordBody;
use super::fields::{self, Purpose, Sent};
use crate::api::body::Body;
use crate::api::objects::schema;
use crate::api::path::{ObjectPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{Detail, ErrorBody, Problem};
use crate::state::AppState;

/// A record to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRecord {
    /// The values by field name.
    #[schema(value_type = Object)]
    fields: Sent,
}

/// A record that cannot be made or changed as asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("failed to use the fields as they are; each detail names what to change")]
    Fields(Vec<Detail>),
    #[error("failed because {got} fields are more than the {max} that a request may name")]
    TooManyFields { got: usize, max: usize },
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let problem = |code| Self::new(StatusCode::BAD_REQUEST, code, &error);
        match &error {
            Error::TooManyFields { .. } => problem("too_many_fields"),
            Error::Fields(details) => problem("invalid_fields").with_details(details.clone()),
        }
    }
}

impl Error {
    /// Refuses to look at more fields than any object has.
    pub(super) fn if_too_many(got: usize, max: usize) -> Result<(), Self> {
        if got > max {
            Err(Self::TooManyFields { got, max })
        } else {
            Ok(())
        }
    }
}

/// Makes a record. It goes to HubSpot with the next sync of every active pair of its object.
#[utoipa::path(post, path = "/api/records/{object}", tag = "records", operation_id = "createRecord",
    params(ObjectPath), request_body = CreateRecord,
    responses(
        (status = 200, description = "The record.", body = RecordBody),
        (status = 400, description = "`invalid_fields` with every problem, `too_many_fields`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`unknown_object`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditRecords>,
    Path(path): Path<ObjectPath>,
    Body(body): Body<CreateRecord>,
) -> Result<RecordBody, Problem> {
    let schema = schema(&path.object)?;
    Error::if_too_many(body.fields.len(), state.limits.fields_max)?;
    let changes = fields::check(&schema, body.fields, Purpose::Create).map_err(Error::Fields)?;
    let values = changes
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let record = NewRecord {
        id: RecordId(state.environment.new_id()),
        fields: values.collect(),
    };
    let now = state.environment.now();
    let record = state
        .store
        .create_record(caller.organization, &schema.name, record, now)
        .await?;
    Ok(record.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_record_is_made_with_canonical_values() {
        let api = TestApi::new().await;
        let fields = json!({"name": "Acme", "regions": ["europe", "asia_pacific"], "city": null, "companyRevenue": 12});
        let answer = api
            .acme()
            .post("/api/records/partners", json!({"fields": fields}))
            .await;
        assert_eq!(answer.header("etag"), "\"1\"");
        let record = answer.expect(200)["record"].clone();
        assert_eq!(record["version"], 1);
        assert_eq!(record["object"], "partners");
        assert_eq!(record["createdAt"], "2026-11-23T09:00:00.000Z");
        assert_eq!(
            record["fields"],
            json!({"companyRevenue": 12.0, "name": "Acme", "regions": ["asia_pacific", "europe"]})
        );
    }

    #[tokio::test]
    async fn every_problem_of_a_record_is_named() {
        let api = TestApi::new().await;
        let fields = json!({"colour": "red", "employees": 1.5, "tier": "tin"});
        let answer = api
            .acme()
            .post("/api/records/partners", json!({"fields": fields}))
            .await;
        answer.refused(400, "invalid_fields");
        insta::assert_json_snapshot!("invalid_fields", answer.json);
        let page = api.acme().get("/api/records/partners").await.expect(200);
        assert_eq!(page["records"], json!([]));
    }

    #[tokio::test]
    async fn too_many_fields_are_refused_before_they_are_looked_at() {
        let api = TestApi::new().await;
        let fields: serde_json::Map<_, _> = (0..501).map(|n| (format!("f{n}"), json!(n))).collect();
        let answer = api
            .acme()
            .post("/api/records/partners", json!({"fields": fields}))
            .await;
        answer.refused(400, "too_many_fields");
    }
}
