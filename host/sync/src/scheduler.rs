//! Runs pairs when they are due.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use partneros_domain::PairId;
use partneros_store::{DuePair, Run, RunTrigger};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::engine::{Engine, describe};
use crate::error::Error;

/// How often the scheduler looks for due pairs.
const TICK: Duration = Duration::from_secs(1);
/// How many due pairs wait for a worker at most; more than workers get through in a tick, so that none is idle.
const LINE_MAX: usize = 1_000;
/// For how long a pair rests that could not even be run, which is the database's fault: it stays due.
const REST: Duration = Duration::from_secs(30);

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
        let mut runs = JoinSet::new();
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
                && let Some(due) = line.next()
            {
                self.start(&mut runs, due);
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
        for due in due {
            match self.run_one(due).await {
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

    /// Runs a due pair, with an audit if that is due as well.
    async fn run_one(&self, due: DuePair) -> Result<Run, Error> {
        let (organization, pair) = (due.organization, due.pair);
        let audits = due.audit && self.parts.settings.audit_interval_ms > 0;
        let begun = if audits {
            self.begin_audit(organization, pair, RunTrigger::Schedule)
                .await?
        } else {
            self.begin(organization, pair, RunTrigger::Schedule, false)
                .await?
        };
        self.carry_out(begun).await
    }

    fn start(&self, runs: &mut JoinSet<Ended>, due: DuePair) {
        let (engine, pair) = (self.clone(), due.pair);
        runs.spawn(async move {
            let ran = match engine.run_one(due).await {
                Ok(_) | Err(Error::Busy | Error::NotActive | Error::Braked) => true,
                Err(error) => {
                    tracing::error!(pair.id = %pair, error = %describe(&error), "sync could not run");
                    false
                }
            };
            Ended { pair, ran }
        });
    }
}

/// A worker is done with a pair.
#[derive(Debug, Clone, Copy)]
struct Ended {
    pair: PairId,
    /// Whether there was a run, or none was called for.
    ran: bool,
}

/// Due pairs that wait for a worker, longest due first, so that a worker who is done goes on at once.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<DuePair>,
    running: HashSet<PairId>,
    resting: HashMap<PairId, Instant>,
}

impl Line {
    /// Takes these pairs in place of those that wait, except for what is running or rests.
    fn renew(&mut self, due: Vec<DuePair>) {
        let now = Instant::now();
        self.resting.retain(|_, until| *until > now);
        self.waiting = due.into();
        self.waiting.retain(|due| {
            !self.running.contains(&due.pair) && !self.resting.contains_key(&due.pair)
        });
    }

    /// The next pair, which counts as running from now on.
    fn next(&mut self) -> Option<DuePair> {
        let next = self.waiting.pop_front()?;
        self.running.insert(next.pair);
        Some(next)
    }

    /// A run is over; none if it panicked. Which one that was is not known then, and the lease keeps the others from running
    /// twice.
    fn ended(&mut self, ended: Option<Ended>) {
        match ended {
            Some(Ended { pair, ran }) => {
                self.running.remove(&pair);
                if !ran {
                    self.resting.insert(pair, Instant::now() + REST);
                }
            }
            None => self.running.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use partneros_domain::OrganizationId;
    use uuid::Uuid;

    use super::*;

    fn due(numbers: &[u128]) -> Vec<DuePair> {
        let pair = |&number| DuePair {
            organization: OrganizationId(Uuid::nil()),
            pair: PairId(Uuid::from_u128(number)),
            audit: false,
        };
        numbers.iter().map(pair).collect()
    }

    fn next(line: &mut Line) -> Option<u128> {
        line.next().map(|due| due.pair.0.as_u128())
    }

    #[test]
    fn a_pair_is_taken_once_however_often_it_is_found_due() {
        let mut line = Line::default();
        line.renew(due(&[1, 2, 3]));
        assert_eq!(next(&mut line), Some(1));
        line.renew(due(&[1, 2, 3]));
        assert_eq!((next(&mut line), next(&mut line)), (Some(2), Some(3)));
        assert_eq!(next(&mut line), None);
        line.ended(Some(ended(2, true)));
        line.renew(due(&[1, 2, 3]));
        assert_eq!((next(&mut line), next(&mut line)), (Some(2), None));
    }

    fn ended(number: u128, ran: bool) -> Ended {
        let pair = PairId(Uuid::from_u128(number));
        Ended { pair, ran }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pair_that_could_not_be_run_rests() {
        let mut line = Line::default();
        line.renew(due(&[1]));
        assert_eq!(next(&mut line), Some(1));
        line.ended(Some(ended(1, false)));
        line.renew(due(&[1, 2]));
        assert_eq!((next(&mut line), next(&mut line)), (Some(2), None));
        tokio::time::advance(REST).await;
        line.renew(due(&[1]));
        assert_eq!(next(&mut line), Some(1));
    }

    #[test]
    fn a_pair_that_is_no_longer_due_leaves_the_line() {
        let mut line = Line::default();
        line.renew(due(&[1, 2]));
        line.renew(due(&[2]));
        assert_eq!((next(&mut line), next(&mut line)), (Some(2), None));
    }
}
