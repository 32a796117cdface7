//! How well a pair syncs: what its runs came to, and how long changes took to arrive.

use async_trait::async_trait;
use partneros_domain::{Lags, OrganizationId, PairId, Timestamp};

use crate::Result;

/// For how many hours lags are kept.
pub const LAG_HOURS_KEPT: i64 = 14 * 24;

/// What the runs of a pair came to in a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunStats {
    /// Runs that ended.
    pub runs: u64,
    /// Of those, failed ones.
    pub failed_runs: u64,
    /// Objects that were pulled.
    pub pulled: u64,
    /// Records that were pushed.
    pub pushed: u64,
    /// Conflicts that were settled.
    pub conflicts: u64,
    /// Values or records that could not be synced.
    pub failed: u64,
    /// When a run last succeeded, ever, also if that run was forgotten.
    pub last_success_at: Option<Timestamp>,
}

/// How long changes took both ways. First and full runs, which look at what is old, do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairLags {
    /// From a change in HubSpot to its commit here.
    pub pull: Lags,
    /// From an edit here to HubSpot's answer that it has it.
    pub push: Lags,
}

impl PairLags {
    /// Counts all that others have counted.
    pub fn merge(&mut self, other: &Self) {
        self.pull.merge(&other.pull);
        self.push.merge(&other.push);
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.pull.total.total() == 0 && self.push.total.total() == 0
    }
}

/// The lags of the runs that ended in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LagHour {
    /// When the hour began.
    pub at: Timestamp,
    /// The lags.
    pub lags: PairLags,
}

/// How well pairs sync.
#[async_trait]
pub trait Health: Send + Sync {
    /// The organizations in which there may be trouble, or an alert that is over. In all others no alert goes on, HubSpot lets
    /// us in, no plugin is quarantined, no merge left records behind, and every active pair has succeeded since
    /// `succeeded_since`, has nothing to push, and has no lags of hours that ended after `lags_since`.
    async fn unquiet_organizations(
        &self,
        succeeded_since: Timestamp,
        lags_since: Timestamp,
    ) -> Result<Vec<OrganizationId>>;
    /// When a run of the pair last succeeded, ever, also if that run was forgotten.
    async fn last_success(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Option<Timestamp>>;
    /// What the pair's runs came to that began at this time or later.
    async fn run_stats(
        &self,
        organization: OrganizationId,
        pair: PairId,
        since: Timestamp,
    ) -> Result<RunStats>;
    /// The pair's lags of hours that ended after this time, oldest first. Hours in which nothing arrived are left out.
    async fn lags(
        &self,
        organization: OrganizationId,
        pair: PairId,
        since: Timestamp,
    ) -> Result<Vec<LagHour>>;
    /// Since when the record waits to be pushed that has waited longest; none when nothing waits.
    async fn waiting_since(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Option<Timestamp>>;
    /// How many values or records of the pair cannot be synced at present.
    async fn count_failures(&self, organization: OrganizationId, pair: PairId) -> Result<u64>;
}
