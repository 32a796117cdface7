//! `POST /api/pairs/{pairId}/mappings/round-trip`: which two-way fields do not come back as they went.

use axum::Json;
use axum::extract::State;
use partneros_domain::Direction;
use partneros_sync::{Example, Proof};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::path::{PairPath, Path};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What was tried, and what did not come back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoundTrip {
    /// Objects of the portal that were tried; 0 when it could not be read.
    real_rows: usize,
    /// Generated rows that were tried.
    generated_rows: usize,
    /// The fields that sync both ways.
    fields: Vec<String>,
    /// Those of them that HubSpot would not get back as it had them, with an example each.
    not_reversible: Vec<ExampleView>,
}

/// A value that does not come back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoundTripExample)]
pub struct ExampleView {
    /// The PartnerOS field.
    field: String,
    /// The HubSpot property.
    property: String,
    /// What HubSpot holds.
    hubspot: Option<String>,
    /// What it became in PartnerOS.
    #[schema(value_type = Option<Object>)]
    partneros: Value,
    /// What HubSpot would get.
    back: Option<String>,
    /// Why it would get nothing, if so.
    problem: Option<String>,
    /// Whether the value is one of the portal's, or generated.
    is_real: bool,
    /// The direction that would be safe.
    #[schema(value_type = words::Direction)]
    suggested_direction: Direction,
}

impl From<Example> for ExampleView {
    fn from(example: Example) -> Self {
        Self {
            field: example.field.to_string(),
            property: example.property.to_string(),
            hubspot: example.hubspot,
            partneros: serde_json::to_value(example.partneros).unwrap_or_default(),
            back: example.back,
            problem: example.problem,
            is_real: example.is_real,
            suggested_direction: Direction::HubSpotToPartnerOs,
        }
    }
}

impl From<Proof> for RoundTrip {
    fn from(proof: Proof) -> Self {
        let examples = proof.examples.into_iter().map(ExampleView::from);
        Self {
            real_rows: proof.real_rows,
            generated_rows: proof.generated_rows,
            fields: proof.fields.iter().map(ToString::to_string).collect(),
            not_reversible: examples.collect(),
        }
    }
}

/// Carries values of the portal, and generated ones, to PartnerOS and back, without writing anything. A field whose value
/// HubSpot would get back changed is better synced one way.
#[utoipa::path(post, path = "/api/pairs/{pairId}/mappings/round-trip", tag = "mappings", operation_id = "proveMappings",
    params(PairPath),
    responses(
        (status = 200, description = "What came back.", body = RoundTrip),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
        (status = 503, description = "`busy`: too many trials at a time.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<PairPath>,
) -> Result<Json<RoundTrip>, Problem> {
    let _slot = state.trials.slot()?;
    let proof = state
        .engine
        .prove(caller.organization, path.pair_id)
        .await?;
    Ok(Json(proof.into()))
}
