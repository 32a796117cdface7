//! What is done by the hour: forgetting what was kept for long enough.

use std::time::Duration;

use crate::engine::{Engine, describe};
use crate::error::Error;

/// How often the house is kept.
const EVERY: Duration = Duration::from_hours(1);
/// How many rows are deleted in one transaction, so that nothing waits for long.
const BATCH: usize = 1_000;
const DAY_MS: i64 = 24 * 3_600_000;

impl Engine {
    /// Keeps the house until the engine is stopped.
    pub(crate) async fn keep_house_regularly(&self) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while let Some(_) = self.stop.run_until_cancelled(tick.tick()).await {
            if let Err(error) = self.keep_house().await {
                tracing::error!(error = %describe(&error), "what is old could not be deleted");
            }
        }
    }

    /// Deletes what was kept for long enough, in batches, and returns how many rows.
    pub async fn keep_house(&self) -> Result<usize, Error> {
        let parts = self.parts();
        if parts.audit.retention_days == 0 {
            return Ok(0);
        }
        let kept_ms = i64::from(parts.audit.retention_days) * DAY_MS;
        let before = parts.environment.now().plus_millis(-kept_ms);
        let mut all = 0;
        while !self.stop.is_cancelled() {
            let forgotten = parts.store.forget_events(before, BATCH).await?;
            all += forgotten;
            if forgotten < BATCH {
                break;
            }
        }
        Ok(all)
    }
}
