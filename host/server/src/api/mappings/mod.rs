//! Mappings: which PartnerOS field corresponds to which HubSpot property.
//!
//! The mappings of a pair are one set with a version. Every change reads the set, changes it and saves it through the
//! engine, which checks the whole of it; what was saved in between is never overwritten.

pub mod confirm;
pub mod list;
mod noted;
pub mod removed_options;
pub mod replace;
pub mod round_trip;
pub mod suggest;
pub mod try_out;
pub mod update;

use std::collections::HashSet;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use partneros_domain::{
    ConflictPolicy, Direction, EventType, FieldMapping, FieldName, MappingState, Mappings,
    OrganizationId, PairId, RulePlugin,
};
use partneros_store::MappingSet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::api::condition::tagged;
use crate::api::words;
use crate::auth::Caller;
use crate::problem::{Detail, Problem};
use crate::state::AppState;

/// The mapping of one field.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Mapping)]
pub struct MappingView {
    /// The PartnerOS field.
    #[schema(value_type = String)]
    pub field: FieldName,
    /// The HubSpot property; null when there is none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub property: Option<FieldName>,
    /// How far it has come. Values flow when it is `auto_mapped` or `confirmed`.
    #[schema(value_type = words::MappingState)]
    pub state: MappingState,
    /// Whose value stays when both sides changed.
    #[schema(value_type = words::ConflictPolicy)]
    pub conflict_policy: ConflictPolicy,
    /// A narrower direction than the pair's; null for the pair's.
    #[serde(default)]
    #[schema(value_type = Option<words::Direction>)]
    pub direction: Option<Direction>,
    /// Further PartnerOS fields that feed the property.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub extra_fields: Vec<FieldName>,
    /// Further HubSpot properties that feed the field.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub extra_properties: Vec<FieldName>,
    /// Another plugin than the pair's mapper for this rule: `expression`, or the sha256 of an uploaded version.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub plugin: Option<RulePlugin>,
    /// Options for the plugin; empty for none.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub options: Map<String, Json>,
    /// How sure the mapper was, from 0 to 1; null for what a person chose.
    #[serde(default)]
    pub confidence: Option<f64>,
}

/// The mappings of a pair.
#[derive(Debug, Serialize, ToSchema)]
pub struct MappingSetBody {
    /// Counts changes; 0 before the first.
    version: i64,
    /// The mappings.
    mappings: Vec<MappingView>,
}

/// A change that was not saved.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "failed to save the mappings: they have changed since version {0} was read; read them again and repeat the change"
    )]
    Changed(i64),
    #[error("failed to save the mappings: {got} are more than the {max} that a pair may have")]
    TooMany { got: usize, max: usize },
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::Changed(_) => (StatusCode::PRECONDITION_FAILED, "version_mismatch"),
            Error::TooMany { .. } => (StatusCode::BAD_REQUEST, "too_many_fields"),
        };
        Self::new(status, code, &error)
    }
}

impl From<FieldMapping> for MappingView {
    fn from(mapping: FieldMapping) -> Self {
        Self {
            field: mapping.field,
            property: mapping.property,
            state: mapping.state,
            conflict_policy: mapping.conflict_policy,
            direction: mapping.direction,
            extra_fields: mapping.extra_fields,
            extra_properties: mapping.extra_properties,
            plugin: mapping.plugin,
            // Saved options were checked to be an object; empty text stands for none.
            options: serde_json::from_str(&mapping.options).unwrap_or_default(),
            confidence: mapping.confidence,
        }
    }
}

impl From<MappingView> for FieldMapping {
    fn from(mapping: MappingView) -> Self {
        Self {
            field: mapping.field,
            property: mapping.property,
            state: mapping.state,
            conflict_policy: mapping.conflict_policy,
            direction: mapping.direction,
            extra_fields: mapping.extra_fields,
            extra_properties: mapping.extra_properties,
            plugin: mapping.plugin,
            options: options_text(&mapping.options),
            confidence: mapping
                .confidence
                .map(|confidence| confidence.clamp(0.0, 1.0)),
        }
    }
}

impl From<MappingSet> for MappingSetBody {
    fn from(set: MappingSet) -> Self {
        Self {
            version: set.version,
            mappings: set.mappings.0.into_iter().map(MappingView::from).collect(),
        }
    }
}

impl IntoResponse for MappingSetBody {
    fn into_response(self) -> Response {
        tagged(self.version, &self)
    }
}

/// Options as the domain keeps them: the text of a JSON object, empty for none.
fn options_text(options: &Map<String, Json>) -> String {
    if options.is_empty() {
        String::new()
    } else {
        Json::from(options.clone()).to_string()
    }
}

/// The mappings as they are, which a caller who names a version must have seen.
async fn current(
    state: &AppState,
    organization: OrganizationId,
    pair: PairId,
    seen: Option<i64>,
) -> Result<MappingSet, Problem> {
    let set = state.store.mappings(organization, pair).await?;
    match seen {
        Some(seen) if seen != set.version => Err(Error::Changed(seen).into()),
        _ => Ok(set),
    }
}

/// Saves mappings in place of those that were read, and writes down that a caller did so.
async fn save(
    state: &AppState,
    caller: &Caller,
    pair: PairId,
    read: MappingSet,
    mappings: Mappings,
    event: EventType,
) -> Result<MappingSet, Problem> {
    check_count(state, mappings.0.len())?;
    let saved = state
        .engine
        .save_mappings(caller.organization, pair, read.version, &mappings)
        .await;
    let version = saved.map_err(|error| changed(error, read.version))?;
    let set = MappingSet { version, mappings };
    noted::note(state, caller, event, pair, &read.mappings, &set).await?;
    Ok(set)
}

/// Refuses more mappings than a pair may have.
pub(super) fn check_count(state: &AppState, got: usize) -> Result<(), Problem> {
    let max = state.limits.fields_max;
    if got > max {
        return Err(Error::TooMany { got, max }.into());
    }
    Ok(())
}

/// The details on fields that are mapped twice.
pub(super) fn duplicates(mappings: &[MappingView]) -> Vec<Detail> {
    let mut seen = HashSet::new();
    let repeated = mappings
        .iter()
        .enumerate()
        .filter(|(_, mapping)| !seen.insert(&mapping.field));
    let detail = |(index, mapping): (usize, &MappingView)| {
        let field = mapping.field.as_str();
        let fragment = format!("field `{field}` is mapped twice; name it once");
        Detail::of_field(field, "duplicate_field", &fragment).at(index)
    };
    repeated.map(detail).collect()
}

/// A lost race, or another error.
pub(super) fn changed(error: partneros_sync::Error, from: i64) -> Problem {
    match error {
        partneros_sync::Error::Store(partneros_store::Error::Conflict { .. }) => {
            Error::Changed(from).into()
        }
        error => error.into(),
    }
}
