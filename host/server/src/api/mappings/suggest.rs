//! `POST /api/pairs/{pairId}/suggestions`: Suggest Mappings.

use axum::Json;
use axum::extract::State;
use partneros_domain::{Candidate, EventType, Mappings};
use partneros_store::MappingSet;
use partneros_sync::SuggestedMapping;
use serde::Serialize;
use utoipa::ToSchema;

use super::{MappingView, changed, noted};
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// The mappings as they are now, with what the mapper proposes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Suggestions {
    /// The version of the mappings.
    version: i64,
    /// One for each field of the PartnerOS object.
    mappings: Vec<SuggestionView>,
}

/// A mapping with its candidates.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestion)]
pub struct SuggestionView {
    #[serde(flatten)]
    mapping: MappingView,
    /// What the mapper proposes, best first.
    candidates: Vec<CandidateView>,
}

/// A HubSpot property that may hold a field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Candidate)]
pub struct CandidateView {
    /// The property.
    property: String,
    /// From 0 (a guess) to 1 (certain).
    confidence: f64,
    /// Why.
    reasons: Vec<ReasonView>,
}

/// Why a property was proposed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
pub struct ReasonView {
    /// A stable code.
    code: String,
    /// A sentence for the reviewer.
    message: String,
}

impl From<SuggestedMapping> for SuggestionView {
    fn from(suggested: SuggestedMapping) -> Self {
        Self {
            mapping: suggested.mapping.into(),
            candidates: suggested
                .candidates
                .into_iter()
                .map(CandidateView::from)
                .collect(),
        }
    }
}

impl From<Candidate> for CandidateView {
    fn from(candidate: Candidate) -> Self {
        let reason = |reason: partneros_domain::Reason| ReasonView {
            code: reason.code,
            message: reason.message,
        };
        Self {
            property: candidate.property,
            confidence: candidate.confidence,
            reasons: candidate.reasons.into_iter().map(reason).collect(),
        }
    }
}

/// Asks the mapper for suggestions and stores what follows from them: mapped where it is sure, suggested where it is not.
/// What a person confirmed or ignored stays as it is.
#[utoipa::path(post, path = "/api/pairs/{pairId}/suggestions", tag = "mappings", operation_id = "suggestMappings",
    params(PairPath),
    responses(
        (status = 200, description = "The mappings, with candidates.", body = Suggestions),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 412, description = "`version_mismatch`: someone saved mappings meanwhile.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<PairPath>,
) -> Result<Json<Suggestions>, Problem> {
    let read = state
        .store
        .mappings(caller.organization, path.pair_id)
        .await?;
    let suggested = state
        .engine
        .suggest(caller.organization, path.pair_id)
        .await;
    let (version, mappings) = suggested.map_err(|error| changed(error, read.version))?;
    let stored = mappings.iter().map(|suggested| suggested.mapping.clone());
    let set = MappingSet {
        version,
        mappings: Mappings(stored.collect()),
    };
    let event = EventType::MappingSuggested;
    noted::note(&state, &caller, event, path.pair_id, &read.mappings, &set).await?;
    Ok(Json(Suggestions {
        version,
        mappings: mappings.into_iter().map(SuggestionView::from).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn fields_come_with_candidates_and_reasons() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let answer = api
            .acme()
            .post(&format!("{path}/suggestions"), json!({}))
            .await
            .expect(200);
        assert_eq!(answer["version"], 1);
        let mappings = answer["mappings"].as_array().unwrap();
        assert_eq!(mappings.len(), 28, "one for each field");
        let name = mappings
            .iter()
            .find(|mapping| mapping["field"] == "name")
            .unwrap();
        assert_eq!(name["property"], "name");
        assert_eq!(name["state"], "auto_mapped");
        let best = &name["candidates"][0];
        assert_eq!(best["property"], "name");
        assert!(best["confidence"].as_f64().unwrap() > 0.85, "{best}");
        assert!(best["reasons"][0]["code"].is_string(), "{best}");
    }

    #[tokio::test]
    async fn what_a_person_decided_stays() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let acme = api.acme();
        acme.patch(
            &format!("{path}/mappings/name"),
            json!({"state": "ignored"}),
        )
        .await
        .expect(200);
        let answer = acme
            .post(&format!("{path}/suggestions"), json!({}))
            .await
            .expect(200);
        let mappings = answer["mappings"].as_array().unwrap();
        let name = mappings
            .iter()
            .find(|mapping| mapping["field"] == "name")
            .unwrap();
        assert_eq!(
            (&name["state"], &name["property"]),
            (&json!("ignored"), &json!(null))
        );
    }
}
