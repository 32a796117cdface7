//! `GET /api/integrations/{connectionId}/schema`: what was discovered of a portal's objects and properties.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use partneros_domain::Timestamp;
use partneros_store::CachedSchema;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::objects::{FieldView, quoted};
use crate::api::path::{ConnectionPath, Path};
use crate::api::query::Query;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Which object is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SchemaQuery {
    /// A HubSpot object type, such as `companies`; without it all are listed, without their properties.
    object_type: Option<String>,
}

/// All discovered objects.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchemaSummary {
    objects: Vec<HubSpotObjectSummary>,
}

/// A discovered object type.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HubSpotObjectSummary {
    /// The object type, such as `companies` or `2-3465404`.
    name: String,
    /// The name people see.
    label: String,
    /// Whether it is one of the portal's own.
    custom: bool,
    /// How many properties it has.
    field_count: usize,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    fetched_at: Timestamp,
}

/// One discovered object.
#[derive(Debug, Serialize, ToSchema)]
pub struct HubSpotObjectBody {
    object: HubSpotObject,
}

/// A discovered object type with its properties.
#[derive(Debug, Serialize, ToSchema)]
pub struct HubSpotObject {
    #[serde(flatten)]
    summary: HubSpotObjectSummary,
    /// The properties, by name.
    fields: Vec<FieldView>,
}

/// Either form of the answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum SchemaBody {
    /// With `objectType`.
    Object(HubSpotObjectBody),
    /// Without.
    Summary(SchemaSummary),
}

/// An object type that was not discovered.
#[derive(Debug, thiserror::Error)]
#[error("failed to find HubSpot object `{name}`; {}", hint(.known))]
pub(crate) struct Unknown {
    pub(crate) name: String,
    pub(crate) known: Vec<String>,
}

impl Unknown {
    /// The object type that is not among these.
    pub(crate) fn among(name: &str, schemas: &[CachedSchema]) -> Self {
        let known = schemas
            .iter()
            .map(|cached| cached.schema.name.clone())
            .collect();
        Self {
            name: name.to_owned(),
            known,
        }
    }
}

impl From<Unknown> for Problem {
    fn from(error: Unknown) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_object", &error)
    }
}

impl From<&CachedSchema> for HubSpotObjectSummary {
    fn from(cached: &CachedSchema) -> Self {
        Self {
            name: cached.schema.name.clone(),
            label: cached.schema.label.clone(),
            custom: cached.custom,
            field_count: cached.schema.fields.len(),
            fetched_at: cached.fetched_at,
        }
    }
}

impl SchemaSummary {
    /// The summary of these.
    pub(super) fn of(schemas: &[CachedSchema]) -> Self {
        Self {
            objects: schemas.iter().map(HubSpotObjectSummary::from).collect(),
        }
    }
}

/// Shows the discovered schema: one object with its properties, or all objects without.
#[utoipa::path(get, path = "/api/integrations/{connectionId}/schema", tag = "integrations", operation_id = "getIntegrationSchema",
    params(ConnectionPath, SchemaQuery),
    responses(
        (status = 200, description = "The schema; may be kept for a minute.", body = SchemaBody),
        (status = 404, description = "`not_found`, or `unknown_object` for an object type that was not discovered.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<ConnectionPath>,
    Query(query): Query<SchemaQuery>,
) -> Result<Response, Problem> {
    state
        .store
        .connection(caller.organization, path.connection_id)
        .await?;
    let schemas = state
        .store
        .schemas(caller.organization, path.connection_id)
        .await?;
    let body = match query.object_type {
        None => SchemaBody::Summary(SchemaSummary::of(&schemas)),
        Some(name) => {
            let found = schemas.iter().position(|cached| cached.schema.name == name);
            let at = found.ok_or_else(|| Unknown::among(&name, &schemas))?;
            SchemaBody::Object(object(schemas, at))
        }
    };
    let cached = (
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=60"),
    );
    Ok(([cached], Json(body)).into_response())
}

fn object(mut schemas: Vec<CachedSchema>, at: usize) -> HubSpotObjectBody {
    let cached = schemas.swap_remove(at);
    let summary = HubSpotObjectSummary::from(&cached);
    let fields = cached
        .schema
        .fields
        .into_iter()
        .map(FieldView::from)
        .collect();
    HubSpotObjectBody {
        object: HubSpotObject { summary, fields },
    }
}

fn hint(names: &[String]) -> String {
    if names.is_empty() {
        "no schema was discovered yet; refresh it".to_owned()
    } else {
        format!(
            "there are {}; refresh the schema if it is new",
            quoted(names)
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn the_summary_lists_objects_and_may_be_kept() {
        let api = TestApi::new().await;
        let id = api.connection().await;
        let answer = api
            .acme()
            .get(&format!("/api/integrations/{id}/schema"))
            .await;
        assert_eq!(answer.header("cache-control"), "private, max-age=60");
        let objects = answer.expect(200)["objects"].clone();
        assert_eq!(objects[0]["name"], "companies");
        assert_eq!(objects[0]["fieldCount"], 7);
        assert_eq!(objects[0].get("fields"), None);
    }

    #[tokio::test]
    async fn one_object_comes_with_its_properties() {
        let api = TestApi::new().await;
        let id = api.connection().await;
        let path = format!("/api/integrations/{id}/schema?objectType=companies");
        let answer = api.acme().get(&path).await.expect(200);
        let fields = answer["object"]["fields"].as_array().unwrap();
        assert_eq!(fields.len(), 7);
        assert!(
            fields
                .iter()
                .any(|field| field["name"] == "createdate" && field["readOnly"] == true)
        );
    }

    #[tokio::test]
    async fn an_unknown_object_names_those_there_are() {
        let api = TestApi::new().await;
        let id = api.connection().await;
        let path = format!("/api/integrations/{id}/schema?objectType=contacts");
        let message = api.acme().get(&path).await.refused(404, "unknown_object");
        assert!(message.contains("`companies`, `deals`"), "{message}");
        let path = format!("/api/integrations/{id}/schema?object=deals");
        api.acme().get(&path).await.refused(400, "invalid_query");
    }
}
