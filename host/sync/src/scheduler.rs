//! Runs pairs when they are due.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use partneros_domain::{OrganizationId, PairId};
use partneros_store::RunTrigger;
use tokio::task::JoinSet;

use crate::engine::{Engine, describe};
use crate::error::Error;

/// How often the scheduler looks for due pairs.
const TICK: Duration = Duration::from_secs(1);
/// How many due pairs wait for a worker at most; more than workers get through in a tick, so that none is idle.
const LINE_MAX: usize = 1_000;

impl Engine {
    /// Runs due pairs, watches and keeps the house until the engine is stopped, then waits for the runs under way, which end
    /// at their next commit.
    pub async fn schedule(&self) {
        tokio::join!(
            self.run_pairs(),
            self.keep_watch_regularly(),
            self.keep_house_regularly()
        );
    }

    async fn run_pairs(&self) {
        let mut runs: JoinSet<PairId> = JoinSet::new();
        let mut line = Line::default();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(ended) = runs.join_next() => line.ended(ended.ok()),
                _ = tick.tick() => self.look_for_due(&mut line, runs.len()).await,
            }
            while runs.len() < self.parts.settings.workers
                && let Some((organization, pair)) = line.next()
            {
                self.start(&mut runs, organization, pair);
            }
        }
        while runs.join_next().await.is_some() {}
    }

    /// Runs everything that is due now, one after the other. For tests and simulations that keep their own time.
    pub async fn run_due(&self) -> Result<usize, Error> {
        let now = self.parts.environment.now();
        let due = self
            .parts
            .store
            .due_pairs(now, usize::from(u16::MAX))
            .await?;
        let count = due.len();
        for (organization, pair) in due {
            match self
                .run(organization, pair, RunTrigger::Schedule, false)
                .await
            {
                Ok(_) | Err(Error::Busy | Error::NotActive | Error::Braked) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    async fn look_for_due(&self, line: &mut Line, running: usize) {
        let now = self.parts.environment.now();
        // Pairs under way are still due, so ask for that many more.
        match self.parts.store.due_pairs(now, LINE_MAX + running).await {
            Ok(due) => line.renew(due),
            Err(error) => {
                tracing::error!(error = %describe(&error), "due pairs could not be read");
            }
        }
    }

    fn start(&self, runs: &mut JoinSet<PairId>, organization: OrganizationId, pair: PairId) {
        let engine = self.clone();
        runs.spawn(async move {
            match engine.run(organization, pair, RunTrigger::Schedule, false).await {
                Ok(_) | Err(Error::Busy | Error::NotActive | Error::Braked) => {}
                Err(error) => {
                    tracing::error!(pair.id = %pair, error = %describe(&error), "sync could not run");
                }
            }
            pair
        });
    }
}

/// Due pairs that wait for a worker, longest due first, so that a worker who is done goes on at once.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<(OrganizationId, PairId)>,
    running: HashSet<PairId>,
}

impl Line {
    /// Takes these pairs in place of those that wait, except for what is running.
    fn renew(&mut self, due: Vec<(OrganizationId, PairId)>) {
        self.waiting = due.into();
        self.waiting
            .retain(|(_, pair)| !self.running.contains(pair));
    }

    /// The next pair, which counts as running from now on.
    fn next(&mut self) -> Option<(OrganizationId, PairId)> {
        let next = self.waiting.pop_front()?;
        self.running.insert(next.1);
        Some(next)
    }

    /// A run is over; without its pair if it panicked. Which one that was is not known then, and the lease keeps the others from
    /// running twice.
    fn ended(&mut self, pair: Option<PairId>) {
        match pair {
            Some(pair) => {
                self.running.remove(&pair);
            }
            None => self.running.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn due(numbers: &[u128]) -> Vec<(OrganizationId, PairId)> {
        let pair = |&number| (OrganizationId(Uuid::nil()), PairId(Uuid::from_u128(number)));
        numbers.iter().map(pair).collect()
    }

    fn next(line: &mut Line) -> Option<u128> {
        line.next().map(|(_, pair)| pair.0.as_u128())
    }

    #[test]
    fn a_pair_is_taken_once_however_often_it_is_found_due() {
        let mut line = Line::default();
        line.renew(due(&[1, 2, 3]));
        assert_eq!(next(&mut line), Some(1));
        line.renew(due(&[1, 2, 3]));
        assert_eq!((next(&mut line), next(&mut line)), (Some(2), Some(3)));
        assert_eq!(next(&mut line), None);
        line.ended(Some(PairId(Uuid::from_u128(2))));
        line.renew(due(&[1, 2, 3]));
        assert_eq!((next(&mut line), next(&mut line)), (Some(2), None));
    }

    #[test]
    fn a_pair_that_is_no_longer_due_leaves_the_line() {
        let mut line = Line::default();
        line.renew(due(&[1, 2]));
        line.renew(due(&[2]));
        assert_eq!((next(&mut line), next(&mut line)), (Some(2), None));
    }
}
