//! `POST /api/integrations/{connectionId}/pairs`: makes a pair.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::{
    ConflictPolicy, DeletePolicy, Direction, EventType, MatchKey, ObjectPair, PairId, PairState,
    PluginFailurePolicy, Thresholds,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{MatchKeyView, PairBody, PairView, ThresholdsView, note, settings};
use crate::api::body::Body;
use crate::api::integrations::schema::Unknown;
use crate::api::objects::schema;
use crate::api::path::{ConnectionPath, Path};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A pair to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePair {
    /// The PartnerOS object, such as `partners`.
    object: String,
    /// The HubSpot object type, such as `companies`; one that was discovered.
    hubspot_object: String,
    /// Where values may flow; both ways unless given.
    #[serde(default)]
    #[schema(value_type = Option<words::Direction>)]
    direction: Option<Direction>,
    /// The policy that new mappings start with; `newest_wins` unless given.
    #[serde(default)]
    #[schema(value_type = Option<words::ConflictPolicy>)]
    conflict_policy: Option<ConflictPolicy>,
    /// How records that exist on both sides find each other; without it they become two.
    #[serde(default)]
    match_key: Option<MatchKeyView>,
    /// From which confidence a suggestion is applied or shown; 0.85 and 0.5 unless given.
    #[serde(default)]
    thresholds: Option<ThresholdsView>,
    /// What happens when a plugin fails on a batch; `park_record` unless given.
    #[serde(default)]
    #[schema(value_type = Option<words::PluginFailurePolicy>)]
    plugin_failure_policy: Option<PluginFailurePolicy>,
    /// What becomes of the other side when a record or its HubSpot object is deleted; `unlink` unless given.
    #[serde(default)]
    #[schema(value_type = Option<words::DeletePolicy>)]
    delete_policy: Option<DeletePolicy>,
}

/// A pair that exists already.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to make a pair: `{object}` and `{hubspot_object}` of this connection are a pair already"
)]
struct Exists {
    object: String,
    hubspot_object: String,
}

impl From<Exists> for Problem {
    fn from(error: Exists) -> Self {
        Self::new(StatusCode::CONFLICT, "pair_exists", &error)
    }
}

/// Makes a pair, as a draft.
#[utoipa::path(post, path = "/api/integrations/{connectionId}/pairs", tag = "pairs", operation_id = "createPair",
    params(ConnectionPath), request_body = CreatePair,
    responses(
        (status = 200, description = "The pair.", body = PairBody),
        (status = 400, description = "`invalid_pair` with every problem, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`, or `unknown_object` on either side.", body = ErrorBody),
        (status = 409, description = "`pair_exists`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(path): Path<ConnectionPath>,
    Body(body): Body<CreatePair>,
) -> Result<Json<PairBody>, Problem> {
    let (organization, connection_id) = (caller.organization, path.connection_id);
    state.store.connection(organization, connection_id).await?;
    let object = schema(&body.object)?;
    let schemas = state.store.schemas(organization, connection_id).await?;
    let hubspot = schemas
        .iter()
        .find(|cached| cached.schema.name == body.hubspot_object);
    let hubspot = hubspot.ok_or_else(|| Unknown::among(&body.hubspot_object, &schemas))?;
    let match_key = body.match_key.map(MatchKey::from);
    let thresholds = body.thresholds.map(Thresholds::from);
    settings::check(&object, &hubspot.schema, match_key.as_ref(), thresholds)?;
    let pair = ObjectPair {
        id: PairId(state.environment.new_id()),
        connection_id,
        object: body.object,
        hubspot_object: body.hubspot_object,
        direction: body.direction.unwrap_or(Direction::Bidirectional),
        state: PairState::Draft,
        conflict_policy: body.conflict_policy.unwrap_or(ConflictPolicy::NewestWins),
        match_key,
        thresholds: thresholds.unwrap_or_default(),
        plugin_failure_policy: body.plugin_failure_policy.unwrap_or_default(),
        delete_policy: body.delete_policy.unwrap_or_default(),
        created_at: state.environment.now(),
    };
    match state.store.create_pair(organization, &pair).await {
        Ok(()) => {
            let pair = PairView::from(pair);
            note(
                &state,
                &caller,
                EventType::PairCreated,
                pair.id,
                json!(pair),
            )
            .await?;
            Ok(Json(PairBody { pair }))
        }
        Err(partneros_store::Error::Conflict { .. }) => Err(Exists {
            object: pair.object,
            hubspot_object: pair.hubspot_object,
        }
        .into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_pair_begins_as_a_draft_with_defaults() {
        let api = TestApi::new().await;
        let connection = api.connection().await;
        let path = format!("/api/integrations/{connection}/pairs");
        let body = json!({"object": "deals", "hubspotObject": "deals"});
        let mut pair = api.acme().post(&path, body).await.expect(200)["pair"].take();
        assert!(pair["id"].take().is_string());
        let expected = json!({
            "id": null,
            "connectionId": connection.to_string(),
            "object": "deals",
            "hubspotObject": "deals",
            "direction": "bidirectional",
            "state": "draft",
            "conflictPolicy": "newest_wins",
            "matchKey": null,
            "thresholds": {"autoMapped": 0.85, "suggested": 0.5},
            "pluginFailurePolicy": "park_record",
            "createdAt": "2026-11-23T09:00:00.000Z",
        });
        assert_eq!(pair, expected);
    }

    #[tokio::test]
    async fn the_same_objects_are_a_pair_once() {
        let api = TestApi::new().await;
        let connection = api.connection().await;
        let path = format!("/api/integrations/{connection}/pairs");
        let body = json!({"object": "deals", "hubspotObject": "deals"});
        api.acme().post(&path, body.clone()).await.expect(200);
        api.acme()
            .post(&path, body)
            .await
            .refused(409, "pair_exists");
    }

    #[tokio::test]
    async fn bad_settings_are_all_named() {
        let api = TestApi::new().await;
        let connection = api.connection().await;
        let path = format!("/api/integrations/{connection}/pairs");
        let pair =
            |object: &str, hubspot: &str| json!({"object": object, "hubspotObject": hubspot});
        let acme = api.acme();
        let ours = acme
            .post(&path, pair("contacts", "deals"))
            .await
            .refused(404, "unknown_object");
        assert!(ours.contains("PartnerOS"), "{ours}");
        let theirs = acme.post(&path, pair("deals", "contacts")).await;
        let theirs = theirs.refused(404, "unknown_object");
        assert!(
            theirs.contains("HubSpot") && theirs.contains("`companies`"),
            "{theirs}"
        );
        let mut body = pair("deals", "deals");
        body["matchKey"] = json!({"field": "nmae", "property": "nmae"});
        body["thresholds"] = json!({"autoMapped": 0.4, "suggested": 0.5});
        let answer = acme.post(&path, body).await;
        answer.refused(400, "invalid_pair");
        insta::assert_json_snapshot!("invalid_pair", answer.json);
        let mut body = pair("deals", "deals");
        body["direction"] = json!("sideways");
        acme.post(&path, body).await.refused(400, "invalid_body");
    }
}
