//! Runs pairs when they are due.

use std::collections::HashSet;
use std::time::Duration;

use partneros_domain::PairId;
use partneros_store::RunTrigger;
use tokio::task::JoinSet;

use crate::engine::{Engine, describe};
use crate::error::Error;

/// How often the scheduler looks for due pairs.
const TICK: Duration = Duration::from_secs(1);

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
        let mut running = HashSet::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(ended) = runs.join_next() => {
                    match ended {
                        Ok(pair) => { running.remove(&pair); }
                        Err(_) => running.clear(),
                    }
                }
                _ = tick.tick() => self.start_due(&mut runs, &mut running).await,
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

    async fn start_due(&self, runs: &mut JoinSet<PairId>, running: &mut HashSet<PairId>) {
        let room = self.parts.settings.workers.saturating_sub(runs.len());
        if room == 0 {
            return;
        }
        let now = self.parts.environment.now();
        // Pairs under way are still due, so ask for that many more.
        let due = match self.parts.store.due_pairs(now, room + runs.len()).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(error = %describe(&error), "due pairs could not be read");
                return;
            }
        };
        for (organization, pair) in due {
            if runs.len() >= self.parts.settings.workers || !running.insert(pair) {
                continue;
            }
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
}
