//! `POST /api/pairs/{pairId}/mappings/{field}/try`: the playground, a mapping tried on sample records.

use axum::Json;
use axum::extract::State;
use partneros_domain::plan::TransformDirection;
use partneros_domain::{ConflictPolicy, FieldMapping, FieldName, MappingState, RulePlugin};
use partneros_sync::{Tryout, TryoutRow};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::options_text;
use crate::api::body::Body;
use crate::api::path::{MappingPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TryMapping {
    /// Which way.
    direction: TryDirection,
    /// The HubSpot property; the mapping's own unless given.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    property: Option<FieldName>,
    /// Further PartnerOS fields that feed the property.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    extra_fields: Vec<FieldName>,
    /// Further HubSpot properties that feed the field.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    extra_properties: Vec<FieldName>,
    /// `expression`, the sha256 of an uploaded version, or nothing for the pair's mapper.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    plugin: Option<RulePlugin>,
    /// Options for the plugin, such as `{"toPartneros": "value.trim()"}` for `expression`.
    #[serde(default)]
    #[schema(value_type = Object)]
    options: Map<String, Value>,
    /// Up to 20 samples by name of property or field; records of the pair unless given.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    samples: Option<Vec<Map<String, Value>>>,
}

/// Which way a mapping is tried.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TryDirection {
    /// HubSpot's values become one of PartnerOS.
    ToPartneros,
    /// PartnerOS's values become one of HubSpot.
    ToHubspot,
}

/// What a mapping makes of the samples.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tried {
    /// What is wrong with the mapping; if anything is, there are no rows.
    problems: Vec<TryProblem>,
    /// One for each sample.
    rows: Vec<RowView>,
}

/// What is wrong with a mapping or a sample.
#[derive(Debug, Serialize, ToSchema)]
pub struct TryProblem {
    /// A stable code, such as `syntax-error`.
    code: String,
    /// What is wrong, with line and column for an expression.
    message: String,
}

/// One sample.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TriedRow)]
pub struct RowView {
    /// The values that the rule reads.
    #[schema(value_type = Object)]
    inputs: Map<String, Value>,
    /// What it makes of them; null for no value.
    #[schema(value_type = Option<Object>)]
    output: Value,
    /// Why it makes nothing of them; null when it does.
    problem: Option<TryProblem>,
}

impl From<TryoutRow> for RowView {
    fn from(row: TryoutRow) -> Self {
        let json = |value| serde_json::to_value(value).unwrap_or_default();
        let inputs = row.inputs.into_iter();
        Self {
            inputs: inputs
                .map(|(name, value)| (name.to_string(), json(value)))
                .collect(),
            output: json(row.output),
            problem: row
                .problem
                .map(|(code, message)| TryProblem { code, message }),
        }
    }
}

impl From<Tryout> for Tried {
    fn from(tryout: Tryout) -> Self {
        let problems = tryout.problems.into_iter().map(|problem| TryProblem {
            code: problem.code,
            message: problem.message,
        });
        Self {
            problems: problems.collect(),
            rows: tryout.rows.into_iter().map(RowView::from).collect(),
        }
    }
}

/// Tries a mapping on samples before it is saved. Nothing is written.
#[utoipa::path(post, path = "/api/pairs/{pairId}/mappings/{field}/try", tag = "mappings", operation_id = "tryMapping",
    params(MappingPath), request_body = TryMapping,
    responses(
        (status = 200, description = "What the mapping makes of the samples.", body = Tried),
        (status = 400, description = "`invalid_sample`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
        (status = 503, description = "`busy`: too many trials at a time.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<MappingPath>,
    Body(body): Body<TryMapping>,
) -> Result<Json<Tried>, Problem> {
    let (organization, pair) = (caller.organization, path.pair_id);
    let set = state.store.mappings(organization, pair).await?;
    let own = set.mappings.get(&path.field);
    let mapping = FieldMapping {
        property: body.property.or_else(|| own?.property.clone()),
        state: MappingState::Confirmed,
        extra_fields: body.extra_fields,
        extra_properties: body.extra_properties,
        plugin: body.plugin,
        options: options_text(&body.options),
        ..FieldMapping::unmapped(path.field.as_str().into(), ConflictPolicy::NewestWins)
    };
    let direction = match body.direction {
        TryDirection::ToPartneros => TransformDirection::ToPartnerOs,
        TryDirection::ToHubspot => TransformDirection::ToHubSpot,
    };
    let _slot = state.trials.slot()?;
    let tried = state
        .engine
        .try_out(organization, pair, mapping, direction, body.samples)
        .await?;
    Ok(Json(tried.into()))
}
