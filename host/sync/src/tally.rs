//! What a run gathers in memory and writes down with its end, so that a poll that finds nothing need not write.

use std::sync::{Arc, Mutex, PoisonError};

use partneros_domain::{Lags, Stages, Timestamp};
use partneros_store::{Counts, PairLags, RunKind};

/// What a run gathers.
#[derive(Debug, Clone)]
pub struct Tally {
    sums: Arc<Mutex<(Counts, PairLags)>>,
    /// Whether the run looks for what is new, so that how old it is tells a lag.
    tells_lags: bool,
}

impl Tally {
    /// The tally of a run that begins.
    pub fn of(kind: RunKind) -> Self {
        Self {
            sums: Arc::default(),
            tells_lags: kind == RunKind::Incremental,
        }
    }

    /// Counts what led to no commit.
    pub fn count(&self, counts: Counts) {
        self.change(|(sum, _)| *sum += counts);
    }

    /// Changes of HubSpot's, by when they were made, are committed.
    pub fn pulled(&self, changed_at: &[Timestamp], stages: Stages) {
        self.add(|lags| &mut lags.pull, changed_at, stages);
    }

    /// HubSpot has edits, by when they were made, and that is committed.
    pub fn pushed(&self, changed_at: &[Timestamp], stages: Stages) {
        self.add(|lags| &mut lags.push, changed_at, stages);
    }

    /// What was gathered, to be written down.
    pub fn take(&self) -> (Counts, PairLags) {
        self.change(std::mem::take)
    }

    fn add(
        &self,
        side: impl FnOnce(&mut PairLags) -> &mut Lags,
        changed_at: &[Timestamp],
        stages: Stages,
    ) {
        if self.tells_lags {
            self.change(|(_, lags)| side(lags).add(changed_at, stages));
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut (Counts, PairLags)) -> T) -> T {
        change(&mut self.sums.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
