//! Object pairs: which PartnerOS object syncs with which HubSpot object, and how.
//!
//! A pair begins as a draft. Nothing moves until its mappings were reviewed and it is activated.

pub mod activate;
pub mod brake;
pub mod bundle;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod pause;
mod settings;
pub mod summary;
pub mod update;

use partneros_domain::{
    ConflictPolicy, ConnectionId, DeletePolicy, Direction, EventType, FieldName, MatchKey,
    ObjectPair, PairId, PairState, PluginFailurePolicy, Thresholds, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::api::{audit, words};
use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// An object pair.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Pair)]
pub struct PairView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    pub id: PairId,
    /// The connection whose portal has the HubSpot object.
    #[schema(value_type = uuid::Uuid)]
    pub connection_id: ConnectionId,
    /// The PartnerOS object, such as `partners`.
    pub object: String,
    /// The HubSpot object type, such as `companies`.
    pub hubspot_object: String,
    /// Where values may flow.
    #[schema(value_type = words::Direction)]
    pub direction: Direction,
    /// Whether it syncs.
    #[schema(value_type = words::PairState)]
    pub state: PairState,
    /// The policy that new mappings start with.
    #[schema(value_type = words::ConflictPolicy)]
    pub conflict_policy: ConflictPolicy,
    /// How records that exist on both sides find each other; null: they do not, and become two.
    pub match_key: Option<MatchKeyView>,
    /// From which confidence a suggestion is applied or shown.
    pub thresholds: ThresholdsView,
    /// What happens when a plugin fails on a batch.
    #[schema(value_type = words::PluginFailurePolicy)]
    pub plugin_failure_policy: PluginFailurePolicy,
    /// What becomes of the other side when a record or its HubSpot object is deleted.
    #[schema(value_type = words::DeletePolicy)]
    pub delete_policy: DeletePolicy,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// How records that exist on both sides find each other. Case and surrounding space do not count.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MatchKey)]
pub struct MatchKeyView {
    /// The PartnerOS field.
    #[schema(value_type = String)]
    pub field: FieldName,
    /// The HubSpot property.
    #[schema(value_type = String)]
    pub property: FieldName,
}

/// From which confidence a suggestion is applied or shown; both from 0 to 1.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Thresholds)]
pub struct ThresholdsView {
    /// At least this sure: applied.
    pub auto_mapped: f64,
    /// At least this sure: shown to be confirmed.
    pub suggested: f64,
}

/// One pair under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairBody {
    pair: PairView,
}

/// Writes down what a caller did to a pair.
async fn note(
    state: &AppState,
    caller: &Caller,
    event: EventType,
    pair: PairId,
    metadata: Json,
) -> Result<(), Problem> {
    audit::note(state, caller, event, &format!("pair {pair}"), metadata).await
}

impl From<ObjectPair> for PairView {
    fn from(pair: ObjectPair) -> Self {
        Self {
            id: pair.id,
            connection_id: pair.connection_id,
            object: pair.object,
            hubspot_object: pair.hubspot_object,
            direction: pair.direction,
            state: pair.state,
            conflict_policy: pair.conflict_policy,
            match_key: pair.match_key.map(MatchKeyView::from),
            thresholds: pair.thresholds.into(),
            plugin_failure_policy: pair.plugin_failure_policy,
            delete_policy: pair.delete_policy,
            created_at: pair.created_at,
        }
    }
}

impl From<ObjectPair> for PairBody {
    fn from(pair: ObjectPair) -> Self {
        Self { pair: pair.into() }
    }
}

impl From<MatchKey> for MatchKeyView {
    fn from(key: MatchKey) -> Self {
        Self {
            field: key.field,
            property: key.property,
        }
    }
}

impl From<Thresholds> for ThresholdsView {
    fn from(thresholds: Thresholds) -> Self {
        Self {
            auto_mapped: thresholds.auto_mapped,
            suggested: thresholds.suggested,
        }
    }
}

impl From<MatchKeyView> for MatchKey {
    fn from(key: MatchKeyView) -> Self {
        Self {
            field: key.field,
            property: key.property,
        }
    }
}

impl From<ThresholdsView> for Thresholds {
    fn from(thresholds: ThresholdsView) -> Self {
        Self {
            auto_mapped: thresholds.auto_mapped,
            suggested: thresholds.suggested,
        }
    }
}
