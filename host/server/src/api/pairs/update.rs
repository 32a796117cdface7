//! `PATCH /api/pairs/{pairId}`: changes a pair's settings.

use axum::Json;
use axum::extract::State;
use partneros_domain::{
    ConflictPolicy, DeletePolicy, Direction, EventType, ObjectPair, OrganizationId, PairState,
    PluginFailurePolicy, Thresholds,
};
use partneros_store::{MappingSet, PairPatch};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{MatchKeyView, PairBody, PairView, ThresholdsView, note, settings};
use crate::api::audit;
use crate::api::body::{Body, Change};
use crate::api::path::{PairPath, Path};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What to change about a pair; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdatePair {
    /// Where values may flow. The mappings must allow for it.
    #[serde(default)]
    #[schema(value_type = Option<words::Direction>)]
    direction: Option<Direction>,
    /// The policy that new mappings start with. Mappings there are keep theirs.
    #[serde(default)]
    #[schema(value_type = Option<words::ConflictPolicy>)]
    conflict_policy: Option<ConflictPolicy>,
    /// How records that exist on both sides find each other; null: they do not.
    #[serde(default)]
    #[schema(value_type = Option<MatchKeyView>)]
    match_key: Change<MatchKeyView>,
    /// From which confidence a suggestion is applied or shown, when suggestions are asked for the next time.
    #[serde(default)]
    thresholds: Option<ThresholdsView>,
    /// What happens when a plugin fails on a batch.
    #[serde(default)]
    #[schema(value_type = Option<words::PluginFailurePolicy>)]
    plugin_failure_policy: Option<PluginFailurePolicy>,
    /// What becomes of the other side when a record or its HubSpot object is deleted, from now on.
    #[serde(default)]
    #[schema(value_type = Option<words::DeletePolicy>)]
    delete_policy: Option<DeletePolicy>,
}

/// Changes a pair's settings. A new direction of a pair that syncs makes the next run look at every record again.
#[utoipa::path(patch, path = "/api/pairs/{pairId}", tag = "pairs", operation_id = "updatePair",
    params(PairPath), request_body = UpdatePair,
    responses(
        (status = 200, description = "The pair as it is now.", body = PairBody),
        (status = 400, description = "`invalid_pair` or `invalid_mappings` with every problem, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::EditMappings>,
    Path(PairPath { pair_id }): Path<PairPath>,
    Body(body): Body<UpdatePair>,
) -> Result<Json<PairBody>, Problem> {
    let organization = caller.organization;
    let pair = state.store.pair(organization, pair_id).await?;
    let before = json!(PairView::from(pair.clone()));
    let patch = PairPatch {
        direction: body.direction,
        conflict_policy: body.conflict_policy,
        match_key: match body.match_key {
            Change::Keep => None,
            Change::Clear => Some(None),
            Change::Set(key) => Some(Some(key.into())),
        },
        thresholds: body.thresholds.map(Thresholds::from),
        plugin_failure_policy: body.plugin_failure_policy,
        delete_policy: body.delete_policy,
    };
    let match_key = patch.match_key.as_ref().and_then(Option::as_ref);
    if match_key.is_some() || patch.thresholds.is_some() {
        let (object, hubspot) = state.engine.schemas_of(organization, &pair).await?;
        settings::check(&object, &hubspot, match_key, patch.thresholds)?;
    }
    let turned = patch
        .direction
        .filter(|direction| *direction != pair.direction);
    let updated = match turned {
        Some(direction) => turn(&state, organization, pair, direction, &patch).await?,
        None => {
            state
                .store
                .update_pair(organization, pair.id, &patch)
                .await?
        }
    };
    let after = PairView::from(updated);
    let changed = audit::differences(&before, &json!(after));
    let metadata = json!({"changed": changed});
    note(&state, &caller, EventType::PairUpdated, pair_id, metadata).await?;
    Ok(Json(PairBody { pair: after }))
}

/// Changes the direction among other things. The mappings are checked against it first, and saved again after it, which
/// makes every record be looked at again: the new direction lets flow what the old one held.
async fn turn(
    state: &AppState,
    organization: OrganizationId,
    pair: ObjectPair,
    direction: Direction,
    patch: &PairPatch,
) -> Result<ObjectPair, Problem> {
    let MappingSet { version, mappings } = state.store.mappings(organization, pair.id).await?;
    let turned = ObjectPair { direction, ..pair };
    let problems = state
        .engine
        .check_mappings(organization, &turned, &mappings)
        .await?;
    if !problems.is_empty() {
        return Err(partneros_sync::Error::Mappings(problems).into());
    }
    let updated = state
        .store
        .update_pair(organization, turned.id, patch)
        .await?;
    if updated.state != PairState::Draft {
        state
            .engine
            .save_mappings(organization, updated.id, version, &mappings)
            .await?;
    }
    Ok(updated)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn what_is_not_named_stays() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let change = json!({"conflictPolicy": "crm_wins", "thresholds": {"autoMapped": 0.9, "suggested": 0.6}});
        let pair = api.acme().patch(&path, change).await.expect(200)["pair"].clone();
        assert_eq!(pair["conflictPolicy"], "crm_wins");
        assert_eq!(pair["thresholds"]["autoMapped"], 0.9);
        assert_eq!(pair["matchKey"]["field"], "domain");
        let pair = api
            .acme()
            .patch(&path, json!({"matchKey": null}))
            .await
            .expect(200);
        assert_eq!(pair["pair"]["matchKey"], json!(null));
        assert_eq!(pair["pair"]["conflictPolicy"], "crm_wins");
    }

    #[tokio::test]
    async fn settings_are_checked() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.pair().await);
        let change = json!({"matchKey": {"field": "domain", "property": "nothing"}});
        api.acme()
            .patch(&path, change)
            .await
            .refused(400, "invalid_pair");
        let change = json!({"thresholds": {"autoMapped": 2, "suggested": 0.6}});
        api.acme()
            .patch(&path, change)
            .await
            .refused(400, "invalid_pair");
        api.acme()
            .patch(&path, json!({"object": "deals"}))
            .await
            .refused(400, "invalid_body");
    }

    #[tokio::test]
    async fn a_direction_that_the_mappings_do_not_allow_is_refused() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let path = format!("/api/pairs/{pair}");
        let mapping = format!("{path}/mappings/foundedYear");
        api.acme()
            .patch(&mapping, json!({"property": "createdate"}))
            .await;
        let narrow = json!({"direction": "hubspot_to_partneros"});
        api.acme()
            .patch(&format!("{path}/mappings/name"), narrow)
            .await
            .expect(200);
        let answer = api
            .acme()
            .patch(&path, json!({"direction": "partneros_to_hubspot"}))
            .await;
        answer.refused(400, "invalid_mappings");
        let fields: Vec<_> = answer
            .details()
            .map(|detail| detail["field"].clone())
            .collect();
        assert!(fields.contains(&json!("name")), "{}", answer.json);
        let pair = api.acme().get(&path).await.expect(200);
        assert_eq!(pair["pair"]["direction"], "hubspot_to_partneros");
    }

    #[tokio::test]
    async fn a_new_direction_of_a_pair_that_syncs_looks_at_everything_again() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.active_pair().await);
        let acme = api.acme();
        acme.make_partner("Acme").await;
        let waiting = acme.get(&format!("{path}/summary")).await.expect(200);
        assert_eq!(waiting["summary"]["waitingRecords"], 0);
        acme.patch(&path, json!({"direction": "bidirectional"}))
            .await
            .expect(200);
        let waiting = acme.get(&format!("{path}/summary")).await.expect(200);
        assert_eq!(waiting["summary"]["waitingRecords"], 1);
    }
}
