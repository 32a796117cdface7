//! `POST /api/pairs/{pairId}/mappings/confirm`: confirms mappings as they are.

use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::{EventType, FieldName, MappingState, Mappings};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{MappingSetBody, current, save};
use crate::api::body::Body;
use crate::api::condition::IfMatch;
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{Detail, ErrorBody, Problem};
use crate::state::AppState;

/// Which mappings to confirm.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmMappings {
    /// The fields; all that are suggested or auto-mapped unless given.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    fields: Option<Vec<FieldName>>,
    /// The version that was read, to confirm nothing that was not seen.
    #[serde(default)]
    version: Option<i64>,
}

/// Fields that have nothing to confirm.
#[derive(Debug, thiserror::Error)]
#[error("failed to confirm the mappings; each detail names what to change")]
struct Nothing(Vec<Detail>);

impl From<Nothing> for Problem {
    fn from(error: Nothing) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_mappings", &error).with_details(error.0)
    }
}

/// Confirms mappings as they are: all that are suggested or auto-mapped, or those of the fields that are named.
#[utoipa::path(post, path = "/api/pairs/{pairId}/mappings/confirm", tag = "mappings", operation_id = "confirmMappings",
    params(PairPath, ("If-Match" = Option<String>, Header, description = "The version that was read, as in `ETag`; instead of `version` in the body.")), request_body = Option<ConfirmMappings>,
    responses(
        (status = 200, description = "The mappings as they are now.", body = MappingSetBody),
        (status = 400, description = "`invalid_mappings` with every problem, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 412, description = "`version_mismatch`: they have changed since they were read.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<PairPath>,
    IfMatch(seen): IfMatch,
    body: Option<Body<ConfirmMappings>>,
) -> Result<MappingSetBody, Problem> {
    let ConfirmMappings { fields, version } = body.map(|Body(body)| body).unwrap_or_default();
    let set = current(&state, caller.organization, path.pair_id, seen.or(version)).await?;
    let mut mappings = set.mappings.clone();
    match fields {
        Some(fields) => confirm_named(&mut mappings, &fields)?,
        None => confirm_all(&mut mappings),
    }
    let event = EventType::MappingConfirmed;
    let saved = save(&state, &caller, path.pair_id, set, mappings, event).await?;
    Ok(saved.into())
}

fn confirm_all(mappings: &mut Mappings) {
    for mapping in &mut mappings.0 {
        if matches!(
            mapping.state,
            MappingState::Suggested | MappingState::AutoMapped
        ) {
            mapping.state = MappingState::Confirmed;
        }
    }
}

fn confirm_named(mappings: &mut Mappings, fields: &[FieldName]) -> Result<(), Nothing> {
    let mut details = Vec::new();
    for field in fields {
        let mapping = mappings
            .0
            .iter_mut()
            .find(|mapping| mapping.field == *field);
        if let Some(mapping) = mapping.filter(|mapping| mapping.property.is_some()) {
            mapping.state = MappingState::Confirmed;
        } else {
            let fragment =
                format!("field `{field}` has no property to confirm; assign one to it first");
            details.push(Detail::of_field(
                field.as_str(),
                "missing_property",
                &fragment,
            ));
        }
    }
    if details.is_empty() {
        Ok(())
    } else {
        Err(Nothing(details))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::api::fixture::TestApi;

    fn states(answer: &Json, state: &str) -> usize {
        let mappings = answer["mappings"].as_array().unwrap();
        mappings
            .iter()
            .filter(|mapping| mapping["state"] == state)
            .count()
    }

    #[tokio::test]
    async fn all_that_is_proposed_is_confirmed() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let acme = api.acme();
        let before = acme
            .post(&format!("{path}/suggestions"), json!({}))
            .await
            .expect(200);
        let confirm = format!("{path}/mappings/confirm");
        let after = acme
            .send(axum::http::Method::POST, &confirm, &[], None)
            .await
            .expect(200);
        let proposed = states(&before, "suggested") + states(&before, "auto_mapped");
        assert_eq!(states(&after, "confirmed"), proposed);
        assert_eq!(
            states(&after, "suggested") + states(&after, "auto_mapped"),
            0
        );
    }

    #[tokio::test]
    async fn named_fields_are_confirmed_alone_and_all_must_have_a_property() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let acme = api.acme();
        acme.post(&format!("{path}/suggestions"), json!({}))
            .await
            .expect(200);
        let confirm = format!("{path}/mappings/confirm");
        let answer = acme
            .post(&confirm, json!({"fields": ["name", "subtype", "colour"]}))
            .await;
        answer.refused(400, "invalid_mappings");
        let fields: Vec<_> = answer
            .details()
            .map(|detail| detail["field"].clone())
            .collect();
        assert_eq!(fields, ["subtype", "colour"]);
        let after = acme
            .post(&confirm, json!({"fields": ["name"], "version": 1}))
            .await
            .expect(200);
        assert_eq!(states(&after, "confirmed"), 1);
        acme.post(&confirm, json!({"version": 1}))
            .await
            .refused(412, "version_mismatch");
    }
}
