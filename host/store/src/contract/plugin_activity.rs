//! What plugins did: the bill of each day, the newest calls' logs, and how a candidate compares.
//!
//! A digest here need not be an uploaded version's: the mapper that ships with the host is billed and logged too.

use async_trait::async_trait;
use partneros_domain::{Digest, OrganizationId, PairId, Timestamp};
use serde_json::Value as Json;

use crate::{Page, Result};

/// What a version took on one day for one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginUsage {
    /// The pair.
    pub pair: PairId,
    /// The version.
    pub digest: Digest,
    /// Days since 1970-01-01 in UTC.
    pub day: i64,
    /// Calls, failed ones included.
    pub calls: u64,
    /// Calls that failed.
    pub failed_calls: u64,
    /// Rows that were given to it.
    pub rows: u64,
    /// Fuel.
    pub fuel: u64,
    /// Time in calls.
    pub duration_us: u64,
    /// The most memory that one call had.
    pub memory_bytes_peak: u64,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginCallLog {
    /// The version.
    pub digest: Digest,
    /// The pair it was called for, if it was and the pair still exists.
    pub pair: Option<PairId>,
    /// What was called, such as `transform`.
    pub function: String,
    /// When.
    pub at: Timestamp,
    /// Rows that were given to it.
    pub rows: u64,
    /// `ok`, or the failure's text.
    pub outcome: String,
    /// What it wrote.
    pub log: String,
    /// The problems it reported.
    pub problems: Json,
    /// Fuel.
    pub fuel: u64,
    /// How long it took.
    pub duration_us: u64,
}

/// Usage, logs and shadow reports.
#[async_trait]
pub trait PluginActivity: Send + Sync {
    /// Adds usage to what its day has so far, where the peak is the larger, and logs calls in this order; of each
    /// logged version the newest `keep` calls stay.
    async fn record_plugin_activity(
        &self,
        organization: OrganizationId,
        usage: Vec<PluginUsage>,
        logs: Vec<PluginCallLog>,
        keep: usize,
    ) -> Result<()>;
    /// The usage of a pair, or of all, from that day on; the earliest day first.
    async fn plugin_usage(
        &self,
        organization: OrganizationId,
        pair: Option<PairId>,
        since_day: i64,
    ) -> Result<Vec<PluginUsage>>;
    /// The calls of a version that are kept, newest first, at most `limit`, after the cursor of an earlier page. None
    /// for a version that nothing is known of.
    async fn plugin_logs(
        &self,
        organization: OrganizationId,
        digest: Digest,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PluginCallLog>>;
    /// Keeps how the candidate of a pair compares, in place of what was kept before.
    async fn put_shadow_report(
        &self,
        organization: OrganizationId,
        pair: PairId,
        report: Json,
    ) -> Result<()>;
    /// What is kept about a pair's candidate.
    async fn shadow_report(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Option<Json>>;
    /// Forgets what is kept about a pair's candidate, if anything.
    async fn delete_shadow_report(&self, organization: OrganizationId, pair: PairId) -> Result<()>;
}
