//! How the engine behaves: intervals, batch sizes and limits, with their defaults and reasons.

use partneros_domain::Timestamp;
use partneros_store::{NextAudit, RunKind, RunOutcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long an audit that failed waits before it is tried again by the schedule.
const AUDIT_RETRY_MS: i64 = 3_600_000;

/// Settings of the sync engine. All times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SyncSettings {
    /// How often a pair is polled. Default 60,000: a search a minute for each pair leaves room for 290 others in a
    /// portal's search budget. A shorter interval shows changes sooner.
    pub poll_interval_ms: u64,
    /// How old a portal's schema may be when a run begins; an older one is read again first. Default 21,600,000 (6 hours). A
    /// missing property is noticed at once all the same.
    pub schema_refresh_ms: u64,
    /// How far the cursor stays behind the present. HubSpot's index shows new objects late (measured up to 30 s, reported
    /// up to minutes); so this is also by how much a poll overlaps with the one before: what was modified within it is looked
    /// at again, and dropped where it is known. Default 120,000. A shorter time risks missing objects, until an audit finds
    /// them; a longer one reads more again.
    pub settle_ms: u64,
    /// How often HubSpot's archive is read for a pair. Default 900,000 (15 minutes): a page of a hundred objects is a call, and
    /// an archive holds what was deleted in the last 90 days. Search does not show it, so deletions are noticed this late.
    pub archived_interval_ms: u64,
    /// How often all linked objects of a pair are read again, a thousand with each run. Default 21,600,000 (6 hours): a call
    /// for a hundred objects. Polling goes by the modification date, and only this shows what changes without it: what
    /// HubSpot calculates, and objects that were erased for good.
    pub recheck_interval_ms: u64,
    /// How often a pair is audited: all objects that HubSpot lists are compared with all links, and what differs is mended and
    /// reported. Default 604,800,000 (a week): a call for a hundred objects, after all others. The pair goes on syncing
    /// meanwhile. 0 audits only when somebody asks for it. A change counts from the next audit on.
    pub audit_interval_ms: u64,
    /// How many objects a page of a poll asks for, 1 to 200. Default 200, HubSpot's most: fewer pages, fewer calls.
    pub page_rows: usize,
    /// How long a worker may hold a pair without a sign of life. Default 300,000; a crashed worker's pair waits that long.
    pub lease_ms: u64,
    /// How many pairs sync at the same time. Default 8.
    pub workers: usize,
    /// How long a record that HubSpot did not answer for waits before it is tried again. Default 60,000.
    pub retry_ms: u64,
    /// How often a page is decided again when people edit its records meanwhile. Default 5; then the run fails, and the
    /// next one goes on from there.
    pub race_rounds: usize,
    /// How often a row is sent again without the properties that HubSpot refuses. Default 4; then it is parked whole.
    pub refusal_rounds: usize,
    /// How often in a row something in HubSpot must rewrite what we wrote to a property before the field is paused for that
    /// record. Default 3, at most 10: HubSpot remembers 20 values of a property. 0 never pauses.
    pub tug_rewrites_max: u32,
    /// How soon after our write that must happen, unless what it writes is ours in another form. Default 600,000 (10
    /// minutes): workflows answer within seconds, delayed ones within minutes.
    pub tug_window_ms: u64,
    /// After how many batches in a row that a bound plugin fails on it is quarantined, and what ran before runs again.
    /// Default 3.
    pub plugin_failures_max: u32,
    /// For how many days runs are kept. Default 14: a pair that is polled every minute leaves 1,440 a day, some 200 kB. Older ones
    /// are deleted by the hour; when a pair last succeeded is known all the same. The health of a pair looks back on a day. 0 keeps
    /// them forever.
    pub runs_kept_days: u32,
    /// How many calls of a plugin version are kept with what they logged; the oldest are forgotten first. Default 200.
    pub plugin_logs_kept: usize,
    /// When a pair stops because too much is about to change at once.
    pub brake: BrakeSettings,
}

/// When a pair stops and asks an owner or admin, because a run is about to delete, blank or change too much at once. Counted are
/// linked records and objects, each once for a field; both a field's records and its objects. First syncs, creations and
/// the filling of empty fields do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BrakeSettings {
    /// More than this share of the linked records, in percent, is too much. Default 30: more than people change by hand, less
    /// than an import with a wrong column does. 100 turns the brake off.
    pub share_percent: u8,
    /// So many records may always change. Default 50: what somebody can look through again.
    pub records_min: u64,
    /// Changes within this time are counted together. Default 3,600,000 (1 hour), so that what arrives page by page, or run by
    /// run, is one change. 86,400,000 (a day) at most.
    pub window_ms: u64,
    /// For how long what somebody decided holds at most; it ends with the first run that succeeds. Default 3,600,000 (1 hour).
    pub decision_ms: u64,
}

/// The audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// For how many days events and resolved alerts are kept. Default 400: a year, and time to look back on it. 0 keeps them
    /// forever. Older ones are deleted by the hour, a few at a time.
    pub retention_days: u32,
}

/// When an alert opens by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertSettings {
    /// "Rate limit low" opens when less than this share of HubSpot's calls of the day is left, in percent. Default 10. 0:
    /// only once HubSpot refuses calls.
    pub rate_limit_low_percent: u8,
    /// "Lag above target" opens when 95 of 100 changes of the last hour took longer than this, when a change has waited for
    /// longer to be pushed, or when no run has succeeded for longer. Default 900,000 (15 minutes): polling and settling
    /// take three. 0 turns it off.
    pub lag_target_ms: u64,
}

impl SyncSettings {
    /// What is wrong with the first setting that is outside of its limits, by its key.
    pub fn problem(&self) -> Option<String> {
        const DAY_MS: u64 = 86_400_000;
        let brake = &self.brake;
        let limits = [
            ("poll_interval_ms", self.poll_interval_ms, 100, u64::MAX),
            ("page_rows", self.page_rows as u64, 1, 200),
            ("lease_ms", self.lease_ms, 100, DAY_MS),
            ("workers", self.workers as u64, 1, 1_000),
            ("tug_rewrites_max", self.tug_rewrites_max.into(), 0, 10),
            ("brake.share_percent", brake.share_percent.into(), 1, 100),
            // What was changed is remembered for a day.
            ("brake.window_ms", brake.window_ms, 1_000, DAY_MS),
        ];
        let outside = limits
            .into_iter()
            .find(|(_, value, least, most)| !(least..=most).contains(&value));
        outside.map(|(key, value, least, most)| {
            let most = if most == u64::MAX {
                String::new()
            } else {
                format!(" and at most {most}")
            };
            format!("`sync.{key}` is {value}; it must be at least {least}{most}")
        })
    }

    /// What the end of a run says about the pair's next audit. One that was interrupted stays due.
    pub(crate) fn next_audit(
        &self,
        kind: RunKind,
        outcome: RunOutcome,
        at: Timestamp,
    ) -> NextAudit {
        if self.audit_interval_ms == 0 {
            return NextAudit::AsBefore;
        }
        let interval_ms = i64::try_from(self.audit_interval_ms).unwrap_or(i64::MAX);
        let next = at.plus_millis(interval_ms);
        match (kind, outcome) {
            (RunKind::Audit, RunOutcome::Succeeded) => NextAudit::At(next),
            (RunKind::Audit, RunOutcome::Failed) => {
                NextAudit::At(at.plus_millis(AUDIT_RETRY_MS.min(interval_ms)))
            }
            (_, RunOutcome::Succeeded) => NextAudit::UnlessSet(next),
            _ => NextAudit::AsBefore,
        }
    }
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            rate_limit_low_percent: 10,
            lag_target_ms: 900_000,
        }
    }
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            retention_days: 400,
        }
    }
}

impl Default for BrakeSettings {
    fn default() -> Self {
        Self {
            share_percent: 30,
            records_min: 50,
            window_ms: 3_600_000,
            decision_ms: 3_600_000,
        }
    }
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            poll_interval_ms: 60_000,
            schema_refresh_ms: 21_600_000,
            settle_ms: 120_000,
            archived_interval_ms: 900_000,
            recheck_interval_ms: 21_600_000,
            audit_interval_ms: 604_800_000,
            page_rows: 200,
            lease_ms: 300_000,
            workers: 8,
            retry_ms: 60_000,
            race_rounds: 5,
            refusal_rounds: 4,
            tug_rewrites_max: 3,
            tug_window_ms: 600_000,
            plugin_failures_max: 3,
            runs_kept_days: 14,
            plugin_logs_kept: 200,
            brake: BrakeSettings::default(),
        }
    }
}
