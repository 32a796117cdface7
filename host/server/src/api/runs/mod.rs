//! Runs, and what they could not or had to settle: failures and conflicts.

pub mod conflicts;
pub mod failures;
#[cfg(test)]
pub mod fixture;
pub mod get;
pub mod list;
pub mod retry;
pub mod start;

use partneros_domain::{PairId, RunId, Timestamp};
use partneros_store::{Counts, Run, RunKind, RunOutcome, RunTrigger};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::words;

/// One pass over a pair.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Run)]
pub struct RunView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    pub id: RunId,
    /// The pair.
    #[schema(value_type = uuid::Uuid)]
    pub pair_id: PairId,
    /// What it covers.
    #[schema(value_type = words::RunKind)]
    pub kind: RunKind,
    /// What set it off.
    #[schema(value_type = words::RunTrigger)]
    pub trigger: RunTrigger,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it ended; null while it is under way.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// How it ended, or that it has not.
    #[schema(value_type = words::RunOutcome)]
    pub outcome: RunOutcome,
    /// What it did so far.
    pub counts: CountsView,
    /// What stopped it.
    pub error: Option<String>,
}

/// What a run did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Counts)]
pub struct CountsView {
    /// HubSpot objects read by the pull.
    pub pulled: u64,
    /// Of those, seen before with the same values.
    pub unchanged: u64,
    /// Records made.
    pub records_created: u64,
    /// Records changed.
    pub records_updated: u64,
    /// Existing records linked to existing HubSpot objects.
    pub matched: u64,
    /// Records looked at by the push.
    pub pushed: u64,
    /// HubSpot objects made.
    pub hubspot_created: u64,
    /// HubSpot objects changed.
    pub hubspot_updated: u64,
    /// Records kept without their HubSpot object, which is gone.
    pub unlinked: u64,
    /// Records linked to their HubSpot object again, or to the one that it was merged into.
    pub relinked: u64,
    /// Records deleted with their HubSpot object.
    pub records_deleted: u64,
    /// HubSpot objects archived with their record.
    pub hubspot_archived: u64,
    /// Conflicts settled.
    pub conflicts: u64,
    /// Values or records that could not be synced.
    pub failed: u64,
}

/// One run under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunBody {
    run: RunView,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            pair_id: run.pair_id,
            kind: run.kind,
            trigger: run.trigger,
            started_at: run.started_at,
            finished_at: run.finished_at,
            outcome: run.outcome,
            counts: run.counts.into(),
            error: run.error,
        }
    }
}

impl From<Counts> for CountsView {
    fn from(counts: Counts) -> Self {
        Self {
            pulled: counts.pulled,
            unchanged: counts.unchanged,
            records_created: counts.records_created,
            records_updated: counts.records_updated,
            matched: counts.matched,
            pushed: counts.pushed,
            hubspot_created: counts.hubspot_created,
            hubspot_updated: counts.hubspot_updated,
            unlinked: counts.unlinked,
            relinked: counts.relinked,
            records_deleted: counts.records_deleted,
            hubspot_archived: counts.hubspot_archived,
            conflicts: counts.conflicts,
            failed: counts.failed,
        }
    }
}

impl From<Run> for RunBody {
    fn from(run: Run) -> Self {
        Self { run: run.into() }
    }
}
