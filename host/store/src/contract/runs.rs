//! Runs: one pass over a pair, with counts that grow while it runs.

use async_trait::async_trait;
use partneros_domain::{OrganizationId, PairId, RunId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Lease, Page, PairLags, Result};

/// What a run covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// The first sync of the pair.
    First,
    /// What changed since the last run.
    Incremental,
    /// Everything again.
    Full,
    /// What changed, and whether both sides hold the same as a whole.
    Audit,
}

/// What set a run off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunTrigger {
    /// The schedule.
    Schedule,
    /// A person or integrator.
    Manual,
}

/// How a run ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Under way.
    Running,
    /// Done.
    Succeeded,
    /// Stopped by an error; what was committed stays.
    Failed,
    /// Stopped by a shutdown, a lost lease or a crash; the next run goes on from there.
    Interrupted,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
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

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.pulled += other.pulled;
        self.unchanged += other.unchanged;
        self.records_created += other.records_created;
        self.records_updated += other.records_updated;
        self.matched += other.matched;
        self.pushed += other.pushed;
        self.hubspot_created += other.hubspot_created;
        self.hubspot_updated += other.hubspot_updated;
        self.unlinked += other.unlinked;
        self.relinked += other.relinked;
        self.records_deleted += other.records_deleted;
        self.hubspot_archived += other.hubspot_archived;
        self.conflicts += other.conflicts;
        self.failed += other.failed;
    }
}

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The id.
    pub id: RunId,
    /// The pair.
    pub pair_id: PairId,
    /// What it covers.
    pub kind: RunKind,
    /// What set it off.
    pub trigger: RunTrigger,
    /// When it began.
    pub started_at: Timestamp,
}

/// What the end of a run says about the pair's next audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextAudit {
    /// Nothing: it stays due as it was.
    AsBefore,
    /// It is due then, unless it was said before when.
    UnlessSet(Timestamp),
    /// It is due then.
    At(Timestamp),
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// The run.
    pub id: RunId,
    /// How it ended.
    pub outcome: RunOutcome,
    /// What stopped it.
    pub error: Option<String>,
    /// When it ended.
    pub at: Timestamp,
    /// When the pair is due again.
    pub next_run_at: Timestamp,
    /// When its next audit is due.
    pub next_audit: NextAudit,
    /// What it did that no commit has counted.
    pub counts: Counts,
    /// How long the changes took that it carried.
    pub lags: PairLags,
}

/// One pass over a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The id.
    pub id: RunId,
    /// The pair.
    pub pair_id: PairId,
    /// What it covers.
    pub kind: RunKind,
    /// What set it off.
    pub trigger: RunTrigger,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// What it did so far.
    pub counts: Counts,
    /// What stopped it.
    pub error: Option<String>,
}

/// Runs.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Begins a run. One of the pair that was still `running` is set to `interrupted`: its worker is gone.
    async fn start_run(&self, organization: OrganizationId, run: &NewRun) -> Result<()>;
    /// Ends a run, says when the pair is due again, and gives its lease back. A run that has ended already, such as one that
    /// was interrupted by the next, stays as it is, and a lease that another holds is theirs: the worker only comes late, so
    /// this is no error.
    async fn finish_run(
        &self,
        organization: OrganizationId,
        lease: Lease,
        end: RunEnd,
    ) -> Result<()>;
    /// One run.
    async fn run(&self, organization: OrganizationId, id: RunId) -> Result<Run>;
    /// The runs of a pair, newest first.
    async fn runs(
        &self,
        organization: OrganizationId,
        pair: PairId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Run>>;
    /// Deletes runs of all organizations that ended, or were cut off, before this time, at most so many, and returns how many. When a pair last
    /// succeeded is known all the same, see [`crate::RunStats::last_success_at`].
    async fn forget_runs(&self, before: Timestamp, at_most: usize) -> Result<usize>;
}
