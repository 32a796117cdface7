//! `PUT /api/pairs/{pairId}/mappings`: replaces all mappings of a pair.

use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::{EventType, FieldMapping, Mappings};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{MappingSetBody, MappingView, current, duplicates, save};
use crate::api::body::Body;
use crate::api::condition::IfMatch;
use crate::api::path::{PairPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{Detail, ErrorBody, Problem};
use crate::state::AppState;

/// The mappings as they shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceMappings {
    /// The version that was read, unless `If-Match` says it; one of both must.
    #[serde(default)]
    version: Option<i64>,
    /// All mappings; a field that is left out is unmapped.
    mappings: Vec<MappingView>,
}

/// Mappings that would replace others unseen.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to replace the mappings: name the version that was read, as `If-Match` or as `version` in the body"
)]
struct VersionMissing;

impl From<VersionMissing> for Problem {
    fn from(error: VersionMissing) -> Self {
        Self::new(
            StatusCode::PRECONDITION_REQUIRED,
            "version_required",
            &error,
        )
    }
}

/// Two mappings of the same field.
#[derive(Debug, thiserror::Error)]
#[error("failed to use the mappings as they are; each detail names what to change")]
struct Duplicates(Vec<Detail>);

impl From<Duplicates> for Problem {
    fn from(error: Duplicates) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_mappings", &error).with_details(error.0)
    }
}

/// Replaces all mappings of a pair, if they are still of the version that was read.
#[utoipa::path(put, path = "/api/pairs/{pairId}/mappings", tag = "mappings", operation_id = "replaceMappings",
    params(PairPath, ("If-Match" = Option<String>, Header, description = "The version that was read, as in `ETag`; instead of `version` in the body.")), request_body = ReplaceMappings,
    responses(
        (status = 200, description = "The mappings as they are now.", body = MappingSetBody),
        (status = 400, description = "`invalid_mappings` with every problem, `too_many_fields`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 412, description = "`version_mismatch`: they have changed since they were read.", body = ErrorBody),
        (status = 428, description = "`version_required`.", body = ErrorBody),
        (status = 422, description = "`mapper_failed`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<PairPath>,
    IfMatch(seen): IfMatch,
    Body(body): Body<ReplaceMappings>,
) -> Result<MappingSetBody, Problem> {
    let seen = seen.or(body.version).ok_or(VersionMissing)?;
    let set = current(&state, caller.organization, path.pair_id, Some(seen)).await?;
    let duplicates = duplicates(&body.mappings);
    if !duplicates.is_empty() {
        return Err(Duplicates(duplicates).into());
    }
    let mappings = Mappings(body.mappings.into_iter().map(FieldMapping::from).collect());
    let event = EventType::MappingReplaced;
    let saved = save(&state, &caller, path.pair_id, set, mappings, event).await?;
    Ok(saved.into())
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::{Value as Json, json};

    use crate::api::fixture::TestApi;

    fn mapping(field: &str, property: &str) -> Json {
        json!({"field": field, "property": property, "state": "confirmed", "conflictPolicy": "newest_wins"})
    }

    #[tokio::test]
    async fn what_was_read_can_be_put_back() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let acme = api.acme();
        acme.post(&format!("{path}/suggestions"), json!({}))
            .await
            .expect(200);
        let path = format!("{path}/mappings");
        let read = acme.get(&path).await.expect(200);
        let written = acme.put(&path, read.clone()).await.expect(200);
        assert_eq!(written["mappings"], read["mappings"]);
        assert_eq!(written["version"], 2);
        acme.put(&path, read).await.refused(412, "version_mismatch");
    }

    #[tokio::test]
    async fn the_version_may_come_as_a_condition() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/mappings", api.pair().await);
        let acme = api.acme();
        let body = json!({"mappings": [mapping("name", "name")]});
        let put = |condition| {
            let headers: Vec<_> = Option::into_iter(condition)
                .map(|tag| ("if-match", tag))
                .collect();
            let (acme, path, body) = (&acme, &path, body.clone());
            async move { acme.send(Method::PUT, path, &headers, Some(body)).await }
        };
        put(None).await.refused(428, "version_required");
        put(Some("\"7\"")).await.refused(412, "version_mismatch");
        put(Some("seven")).await.refused(400, "invalid_if_match");
        let put = put(Some("\"0\"")).await;
        assert_eq!((put.status, put.header("etag")), (200, "\"1\""));
        assert_eq!(acme.get(&path).await.header("etag"), "\"1\"");
    }

    #[tokio::test]
    async fn every_problem_of_a_set_is_named_and_nothing_is_saved() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/mappings", api.pair().await);
        let acme = api.acme();
        let mut bad = mapping("city", "city");
        bad["direction"] = json!("partneros_to_hubspot");
        let set = json!({"version": 0, "mappings": [
            mapping("name", "nmae"), mapping("colour", "name"), bad, mapping("domain", "domain"),
        ]});
        let answer = acme.put(&path, set).await;
        answer.refused(400, "invalid_mappings");
        insta::assert_json_snapshot!("invalid_mappings", answer.json);
        let twice =
            json!({"version": 0, "mappings": [mapping("name", "name"), mapping("name", "city")]});
        let answer = acme.put(&path, twice).await;
        answer.refused(400, "invalid_mappings");
        assert_eq!(answer.details().next().unwrap()["code"], "duplicate_field");
        assert_eq!(acme.get(&path).await.expect(200)["version"], 0);
    }

    #[tokio::test]
    async fn options_are_an_object() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/mappings", api.pair().await);
        let mut with = mapping("name", "name");
        with["options"] = json!({"trim": true});
        let set = json!({"version": 0, "mappings": [with]});
        let saved = api.acme().put(&path, set).await.expect(200);
        assert_eq!(saved["mappings"][0]["options"], json!({"trim": true}));
        let mut with = mapping("name", "name");
        with["options"] = json!("trim");
        let set = json!({"version": 1, "mappings": [with]});
        api.acme()
            .put(&path, set)
            .await
            .refused(400, "invalid_body");
    }
}
