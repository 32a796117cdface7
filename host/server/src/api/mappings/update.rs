//! `PATCH /api/pairs/{pairId}/mappings/{field}`: changes the mapping of one field.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use partneros_domain::{
    ConflictPolicy, Direction, EventType, FieldMapping, FieldName, MappingState, ObjectPair,
    RulePlugin,
};
use serde::Deserialize;
use serde_json::Map;
use utoipa::ToSchema;

use super::{MappingView, current, options_text, save};
use crate::api::body::{Body, Change};
use crate::api::condition::{IfMatch, tagged};
use crate::api::objects::schema;
use crate::api::path::{MappingPath, Path};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What to change about a mapping; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateMapping {
    /// What a person decides. A property that is given without it is `confirmed`, null is `unmapped`.
    #[serde(default)]
    state: Option<MappingDecision>,
    /// Another property; null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    property: Change<FieldName>,
    /// Whose value stays when both sides changed.
    #[serde(default)]
    #[schema(value_type = Option<words::ConflictPolicy>)]
    conflict_policy: Option<ConflictPolicy>,
    /// A narrower direction than the pair's; null for the pair's.
    #[serde(default)]
    #[schema(value_type = Option<words::Direction>)]
    direction: Change<Direction>,
    /// Further PartnerOS fields that feed the property.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    extra_fields: Option<Vec<FieldName>>,
    /// Further HubSpot properties that feed the field.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    extra_properties: Option<Vec<FieldName>>,
    /// Another plugin than the pair's mapper for this rule: `expression`, or the sha256 of an uploaded version; null for the
    /// pair's mapper.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    plugin: Change<RulePlugin>,
    /// Options for the plugin, in place of those there are; null for none.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    options: Change<Map<String, serde_json::Value>>,
    /// The version that was read, to change nothing that was not seen.
    #[serde(default)]
    version: Option<i64>,
}

/// What a person can decide about a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MappingDecision {
    /// Values flow.
    Confirmed,
    /// The field does not sync, and is not suggested again.
    Ignored,
    /// The field does not sync until a property is assigned or suggested.
    Unmapped,
}

impl MappingDecision {
    const fn state(self) -> MappingState {
        match self {
            Self::Confirmed => MappingState::Confirmed,
            Self::Ignored => MappingState::Ignored,
            Self::Unmapped => MappingState::Unmapped,
        }
    }
}

/// The mapping as it is now.
#[derive(Debug, serde::Serialize, ToSchema)]
pub struct MappingBody {
    /// The version of the pair's mappings.
    version: i64,
    mapping: MappingView,
}

impl IntoResponse for MappingBody {
    fn into_response(self) -> Response {
        tagged(self.version, &self)
    }
}

/// A change that says two things, or is about nothing.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "failed to change the mapping: a field that is ignored or unmapped has no property; leave one of both out"
    )]
    Contradiction,
    #[error("failed to find field `{field}` in PartnerOS object `{object}`")]
    UnknownField { object: String, field: String },
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::Contradiction => (StatusCode::BAD_REQUEST, "invalid_body"),
            Error::UnknownField { .. } => (StatusCode::NOT_FOUND, "not_found"),
        };
        Self::new(status, code, &error)
    }
}

/// Changes the mapping of one field: confirms it, assigns another property, ignores or unmaps the field, or changes how it
/// syncs.
#[utoipa::path(patch, path = "/api/pairs/{pairId}/mappings/{field}", tag = "mappings", operation_id = "updateMapping",
    params(MappingPath, ("If-Match" = Option<String>, Header, description = "The version that was read, as in `ETag`; instead of `version` in the body.")), request_body = UpdateMapping,
    responses(
        (status = 200, description = "The mapping as it is now.", body = MappingBody),
        (status = 400, description = "`invalid_mappings` with every problem, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`: the pair or the field.", body = ErrorBody),
        (status = 412, description = "`version_mismatch`: the mappings have changed since they were read.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<MappingPath>,
    IfMatch(seen): IfMatch,
    Body(body): Body<UpdateMapping>,
) -> Result<MappingBody, Problem> {
    let pair = state.store.pair(caller.organization, path.pair_id).await?;
    let set = current(&state, caller.organization, pair.id, seen.or(body.version)).await?;
    let mapping = match set.mappings.get(&path.field) {
        Some(mapping) => mapping.clone(),
        None => unmapped(&pair, &path.field)?,
    };
    let changed = change(mapping, body)?;
    let mut mappings = set.mappings.clone();
    mappings.set(changed.clone());
    let event = EventType::MappingUpdated;
    let saved = save(&state, &caller, pair.id, set, mappings, event).await?;
    Ok(MappingBody {
        version: saved.version,
        mapping: changed.into(),
    })
}

/// Where the mapping of a field begins that has none yet.
fn unmapped(pair: &ObjectPair, field: &str) -> Result<FieldMapping, Problem> {
    let unknown = || Error::UnknownField {
        object: pair.object.clone(),
        field: field.to_owned(),
    };
    let schema = schema(&pair.object)?;
    let field = schema.field(field).ok_or_else(unknown)?;
    Ok(FieldMapping::unmapped(
        field.name.clone(),
        pair.conflict_policy,
    ))
}

fn change(mut mapping: FieldMapping, change: UpdateMapping) -> Result<FieldMapping, Error> {
    let decision = decision(change.state, &change.property)?;
    if let Change::Set(property) = change.property
        && mapping.property.as_ref() != Some(&property)
    {
        mapping.property = Some(property);
        // The confidence was in the property before.
        mapping.confidence = None;
    }
    if let Some(decision) = decision {
        mapping.state = decision.state();
        if decision != MappingDecision::Confirmed {
            mapping.property = None;
            mapping.confidence = None;
        }
    }
    mapping.conflict_policy = change.conflict_policy.unwrap_or(mapping.conflict_policy);
    mapping.direction = change.direction.of(mapping.direction);
    mapping.extra_fields = change.extra_fields.unwrap_or(mapping.extra_fields);
    mapping.extra_properties = change.extra_properties.unwrap_or(mapping.extra_properties);
    mapping.plugin = change.plugin.of(mapping.plugin);
    match change.options {
        Change::Keep => {}
        Change::Clear => mapping.options.clear(),
        Change::Set(options) => mapping.options = options_text(&options),
    }
    Ok(mapping)
}

/// What was decided, in words or by what becomes of the property.
fn decision(
    state: Option<MappingDecision>,
    property: &Change<FieldName>,
) -> Result<Option<MappingDecision>, Error> {
    use MappingDecision::{Confirmed, Ignored, Unmapped};
    match (state, property) {
        (Some(Ignored | Unmapped), Change::Set(_)) | (Some(Confirmed), Change::Clear) => {
            Err(Error::Contradiction)
        }
        (Some(decision), _) => Ok(Some(decision)),
        (None, Change::Set(_)) => Ok(Some(Confirmed)),
        (None, Change::Clear) => Ok(Some(Unmapped)),
        (None, Change::Keep) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::api::fixture::TestApi;

    async fn suggested(api: &TestApi) -> String {
        let path = format!("/api/pairs/{}", api.pair().await);
        api.acme()
            .post(&format!("{path}/suggestions"), json!({}))
            .await
            .expect(200);
        format!("{path}/mappings")
    }

    async fn patched(api: &TestApi, path: &str, change: Json) -> Json {
        api.acme().patch(path, change).await.expect(200)["mapping"].take()
    }

    #[tokio::test]
    async fn a_mapping_is_confirmed_overridden_ignored_and_unmapped() {
        let api = TestApi::new().await;
        let path = format!("{}/name", suggested(&api).await);
        let confirmed = patched(&api, &path, json!({"state": "confirmed"})).await;
        assert_eq!(
            (&confirmed["state"], &confirmed["property"]),
            (&json!("confirmed"), &json!("name"))
        );
        assert!(confirmed["confidence"].is_number());
        let overridden = patched(&api, &path, json!({"property": "country"})).await;
        assert_eq!(overridden["property"], "country");
        assert_eq!(
            (&overridden["state"], &overridden["confidence"]),
            (&json!("confirmed"), &json!(null))
        );
        let ignored = patched(&api, &path, json!({"state": "ignored"})).await;
        assert_eq!(
            (&ignored["state"], &ignored["property"]),
            (&json!("ignored"), &json!(null))
        );
        let unmapped = patched(&api, &path, json!({"property": null})).await;
        assert_eq!(
            (&unmapped["state"], &unmapped["property"]),
            (&json!("unmapped"), &json!(null))
        );
    }

    #[tokio::test]
    async fn how_a_field_syncs_can_be_changed_and_set_back() {
        let api = TestApi::new().await;
        let path = format!("{}/name", suggested(&api).await);
        let change = json!({
            "conflictPolicy": "crm_wins",
            "direction": "hubspot_to_partneros",
            "options": {"join": {"separator": ", "}},
            "extraProperties": ["city"],
        });
        let changed = patched(&api, &path, change.clone()).await;
        for (name, value) in change.as_object().unwrap() {
            assert_eq!(&changed[name], value, "{name}");
        }
        assert_eq!(
            changed["state"], "auto_mapped",
            "a change of how is no decision"
        );
        let back = json!({"direction": null, "options": null, "extraProperties": []});
        let back = patched(&api, &path, back).await;
        assert_eq!(
            (&back["direction"], &back["options"]),
            (&json!(null), &json!({}))
        );
        assert_eq!(back["conflictPolicy"], "crm_wins");
    }

    #[tokio::test]
    async fn contradictions_and_unknown_names_are_refused() {
        let api = TestApi::new().await;
        let path = suggested(&api).await;
        let name = format!("{path}/name");
        let acme = api.acme();
        let both = json!({"state": "ignored", "property": "name"});
        acme.patch(&name, both).await.refused(400, "invalid_body");
        let neither = json!({"state": "confirmed", "property": null});
        acme.patch(&name, neither)
            .await
            .refused(400, "invalid_body");
        acme.patch(&name, json!({"state": "auto_mapped"}))
            .await
            .refused(400, "invalid_body");
        let unknown = acme.patch(&name, json!({"property": "nmae"})).await;
        unknown.refused(400, "invalid_mappings");
        assert!(
            unknown
                .details()
                .any(|detail| detail["code"] == "unknown_property")
        );
        acme.patch(&format!("{path}/colour"), json!({"state": "ignored"}))
            .await
            .refused(404, "not_found");
        let stale = json!({"state": "ignored", "version": 0});
        acme.patch(&name, stale)
            .await
            .refused(412, "version_mismatch");
    }

    #[tokio::test]
    async fn a_field_without_a_mapping_can_be_given_one() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/mappings/city", api.pair().await);
        let mapping = patched(&api, &path, json!({"property": "city"})).await;
        assert_eq!(
            (&mapping["state"], &mapping["property"]),
            (&json!("confirmed"), &json!("city"))
        );
    }
}
