//! What is done by the hour: forgetting what was kept for long enough.

use std::time::Duration;

use crate::engine::{Engine, describe};
use crate::error::Error;

/// How often the house is kept.
const EVERY: Duration = Duration::from_hours(1);
/// How many rows are deleted in one transaction, so that nothing waits for long.
const BATCH: usize = 1_000;
/// For how many days the values of a record that was deleted with its HubSpot object are kept: for as long as people can
/// restore the object.
const DELETED_VALUES_DAYS: u32 = 90;
/// For how many days the brake counts changes together at most.
const CHANGES_DAYS: u32 = 1;
const DAY_MS: i64 = 24 * 3_600_000;

/// What is kept for a time.
#[derive(Debug, Clone, Copy)]
enum Kept {
    Events,
    Alerts,
    DeletedValues,
    Changes,
    Runs,
}

impl Engine {
    /// Keeps the house until the engine is stopped.
    pub(crate) async fn keep_house_regularly(&self) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while self.stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.keep_house().await {
                tracing::error!(error = %describe(&error), "what is old could not be deleted");
            }
        }
    }

    /// Deletes what was kept for long enough, in batches, and returns how many rows.
    pub async fn keep_house(&self) -> Result<usize, Error> {
        let parts = self.parts();
        let mut all = 0;
        for (what, days) in [
            (Kept::Events, parts.audit.retention_days),
            (Kept::Alerts, parts.audit.retention_days),
            (Kept::DeletedValues, DELETED_VALUES_DAYS),
            (Kept::Changes, CHANGES_DAYS),
            (Kept::Runs, parts.settings.runs_kept_days),
        ] {
            if days == 0 {
                continue;
            }
            let before = parts
                .environment
                .now()
                .plus_millis(-i64::from(days) * DAY_MS);
            // Batch after batch, until there is no whole one.
            while !self.stop.is_cancelled() {
                let forgotten = match what {
                    Kept::Changes => parts.store.forget_changes(before, BATCH).await?,
                    Kept::Events => parts.store.forget_events(before, BATCH).await?,
                    Kept::Alerts => parts.store.forget_alerts(before, BATCH).await?,
                    Kept::Runs => parts.store.forget_runs(before, BATCH).await?,
                    Kept::DeletedValues => parts.store.forget_deleted_values(before, BATCH).await?,
                };
                all += forgotten;
                if forgotten < BATCH {
                    break;
                }
            }
        }
        Ok(all)
    }
}
