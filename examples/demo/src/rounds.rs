//! Rounds of sync: a run of every pair at the same time, watched over the API while they go on.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, Refused, text};
use crate::progress::Progress;
use crate::setup::Pair;
use crate::table::{Table, count};

/// How often the runs are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How often a sync is asked for while the one before is putting its things away.
const STARTS: u32 = 100;

/// A run, as far as it has come.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    /// `running`, or how it ended.
    pub outcome: String,
    /// What stopped it.
    pub error: Option<String>,
    /// What it did.
    pub counts: Counts,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the host's API documents them")]
pub struct Counts {
    pub pulled: u64,
    pub unchanged: u64,
    pub records_created: u64,
    pub records_updated: u64,
    pub matched: u64,
    pub pushed: u64,
    pub hubspot_created: u64,
    pub hubspot_updated: u64,
    pub conflicts: u64,
    pub failed: u64,
}

/// A round that is over.
#[derive(Debug)]
pub struct Round {
    /// What each pair's run did, in the order of the pairs.
    pub counts: Vec<Counts>,
    /// How long all of it took.
    pub took: Duration,
}

impl Round {
    /// Records that were read or written a second.
    pub fn records_per_second(&self) -> u64 {
        let records: u64 = self
            .counts
            .iter()
            .map(|counts| counts.pulled + counts.pushed)
            .sum();
        (records as f64 / self.took.as_secs_f64().max(0.001)) as u64
    }

    /// Whether anything was written on either side.
    pub fn wrote(&self) -> bool {
        self.counts.iter().any(|counts| {
            let records = counts.records_created + counts.records_updated + counts.matched;
            records + counts.hubspot_created + counts.hubspot_updated > 0
        })
    }
}

/// Syncs all pairs and waits until they are done. `expected` is how many objects each has to read, if that is known.
pub async fn round(api: &Api, pairs: &[Pair], expected: Option<&[u64]>) -> anyhow::Result<Round> {
    let begun = Instant::now();
    let mut ids = Vec::with_capacity(pairs.len());
    for pair in pairs {
        ids.push(start(api, pair).await?);
    }
    let mut progress = Progress::new(expected);
    loop {
        let mut runs = Vec::with_capacity(ids.len());
        for id in &ids {
            let mut body = api.get(&format!("/api/runs/{id}")).await?;
            let run: Run =
                serde_json::from_value(body["run"].take()).context("failed to read a run")?;
            runs.push(run);
        }
        let over = runs.iter().all(|run| run.outcome != "running");
        progress.show(pairs, &runs, begun.elapsed(), over);
        if over {
            return finish(pairs, &runs, begun.elapsed());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Asks for a sync. The run before is told as over a moment before another may begin.
async fn start(api: &Api, pair: &Pair) -> anyhow::Result<String> {
    for _ in 0..STARTS {
        match api
            .post(&format!("/api/pairs/{}/sync", pair.id), &json!({}))
            .await
        {
            Ok(started) => return text(&started, "/run/id"),
            Err(error) if error.downcast_ref().map(Refused::code) == Some("sync_running") => {
                tokio::time::sleep(LOOK).await;
            }
            Err(error) => return Err(error),
        }
    }
    bail!("another sync of {} does not end", pair.title)
}

fn finish(pairs: &[Pair], runs: &[Run], took: Duration) -> anyhow::Result<Round> {
    for (pair, run) in pairs.iter().zip(runs) {
        if run.outcome != "succeeded" {
            let why = run.error.as_deref().unwrap_or("no reason given");
            bail!("the sync of {} {}: {why}", pair.title, run.outcome);
        }
    }
    Ok(Round {
        counts: runs.iter().map(|run| run.counts).collect(),
        took,
    })
}

/// What each run of a round did, and how fast.
pub fn describe(pairs: &[Pair], round: &Round) -> String {
    let mut table = Table::new([
        "pair",
        "read",
        "unchanged",
        "records made",
        "changed",
        "matched",
        "HubSpot made",
        "changed",
        "conflicts",
        "failed",
    ]);
    for (pair, counts) in pairs.iter().zip(&round.counts) {
        table.row([
            pair.title.to_owned(),
            count(counts.pulled),
            count(counts.unchanged),
            count(counts.records_created),
            count(counts.records_updated),
            count(counts.matched),
            count(counts.hubspot_created),
            count(counts.hubspot_updated),
            count(counts.conflicts),
            count(counts.failed),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(counts: Counts) -> Round {
        Round {
            counts: vec![counts],
            took: Duration::from_secs(2),
        }
    }

    #[test]
    fn a_round_that_only_read_wrote_nothing() {
        let read = Counts {
            pulled: 10,
            unchanged: 10,
            ..Counts::default()
        };
        assert!(!round(read).wrote());
        assert_eq!(round(read).records_per_second(), 5);
        assert!(
            round(Counts {
                hubspot_updated: 1,
                ..read
            })
            .wrote()
        );
        assert!(
            round(Counts {
                records_updated: 1,
                ..read
            })
            .wrote()
        );
    }
}
