//! Object pairs: which PartnerOS object syncs with which HubSpot object, which way, and under which thresholds.

use serde::{Deserialize, Serialize};

use crate::fields::FieldName;
use crate::id::{ConnectionId, PairId};
use crate::mapping::{ConflictPolicy, Direction, MappingState};
use crate::time::Timestamp;

/// Whether a pair syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairState {
    /// Being set up: nothing moves until an admin activates it.
    Draft,
    /// Syncing.
    Active,
    /// Stopped by an admin.
    Paused,
    /// Stopped by the brake: too much was about to change, and an admin has to say whether it may.
    Braked,
}

/// How records that exist on both sides before the first sync find each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchKey {
    /// The PartnerOS field.
    pub field: FieldName,
    /// The HubSpot property. Values are compared without regard to case and surrounding space.
    pub property: FieldName,
}

/// From which confidence a suggestion is applied, and from which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// At least this sure: Auto-mapped.
    pub auto_mapped: f64,
    /// At least this sure: Suggested. Less sure: Unmapped.
    pub suggested: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            auto_mapped: 0.85,
            suggested: 0.5,
        }
    }
}

impl Thresholds {
    /// The state of a mapping that was suggested with this confidence.
    pub fn state(self, confidence: f64) -> MappingState {
        if confidence >= self.auto_mapped {
            MappingState::AutoMapped
        } else if confidence >= self.suggested {
            MappingState::Suggested
        } else {
            MappingState::Unmapped
        }
    }
}

/// What becomes of a batch on which a plugin fails as a whole: it traps, or exceeds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginFailurePolicy {
    /// The records that make it fail are found and parked; the others go through.
    #[default]
    ParkRecord,
    /// The fields whose rules make it fail are found and skipped; the others go through.
    SkipField,
    /// The version that was bound before transforms the batch; without one, records are parked.
    LastGoodVersion,
}

/// What becomes of the other side when a record or its HubSpot object is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletePolicy {
    /// It stays as it is. A record whose object is gone is kept without one, until the object is restored.
    #[default]
    Unlink,
    /// It is deleted too: a record with its object, and an object, which HubSpot archives, with its record.
    Mirror,
}

/// A PartnerOS object and a HubSpot object that sync.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectPair {
    /// The pair's id.
    pub id: PairId,
    /// The connection whose portal holds the HubSpot object.
    pub connection_id: ConnectionId,
    /// The PartnerOS object, such as `partners`.
    pub object: String,
    /// The HubSpot object type, such as `companies` or `2-3465404`.
    pub hubspot_object: String,
    /// Where values may flow.
    pub direction: Direction,
    /// Whether the pair syncs.
    pub state: PairState,
    /// The policy that new mappings start with.
    pub conflict_policy: ConflictPolicy,
    /// How existing records find each other.
    pub match_key: Option<MatchKey>,
    /// How confidence becomes a mapping state.
    pub thresholds: Thresholds,
    /// What happens when a plugin fails on a batch.
    #[serde(default)]
    pub plugin_failure_policy: PluginFailurePolicy,
    /// What becomes of the other side when a record or its HubSpot object is deleted.
    #[serde(default)]
    pub delete_policy: DeletePolicy,
    /// When the pair was made.
    pub created_at: Timestamp,
}
