//! How long a well-behaved mapper takes while guests of another organization do all the harm that they can.
//!
//! Alone and beside them it is called the same number of times, in turns, by the same runtime. Beside them, each hostile
//! guest is called by a thread of its own, again as soon as a limit has ended it, as the syncs of an organization that has
//! bound it would. Time on the clock, since waiting is what may go wrong.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use partneros_artifacts::HUBSPOT_MAPPER;
use partneros_domain::Column;
use partneros_runtime::{Plugin, PreparedPlan, Runtime, RuntimeConfig};
use serde::{Deserialize, Serialize};
use test_guests::{EATS_MEMORY, LOOPS, LOOPS_IN_REALLOC, RETURNS_LONG_TEXT};

use crate::transform;

const TURNS: usize = 4;
const CALLS: usize = 500;

/// Burns fuel, loops while it is handed its input, grows its memory, floods the host with its answer.
const HOSTILE: [&[u8]; 4] = [LOOPS, LOOPS_IN_REALLOC, EATS_MEMORY, RETURNS_LONG_TEXT];

/// How long the calls took of which one in a hundred took longer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Latencies {
    pub alone_ms_p99: f64,
    pub beside_ms_p99: f64,
}

/// A mapper with its work.
struct Work {
    plan: PreparedPlan,
    batch: Vec<Column>,
}

/// Measures both.
pub fn measure() -> anyhow::Result<Latencies> {
    let runtime = Runtime::new(RuntimeConfig::default()).context("failed to start the runtime")?;
    let good = runtime.load(HUBSPOT_MAPPER)?;
    let hostile = HOSTILE
        .iter()
        .map(|component| Ok(runtime.load(component)?))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let work = Work {
        plan: PreparedPlan::new(transform::plan())?,
        batch: transform::batch(),
    };
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        work.call_often(&good, &mut alone)?;
        work.amid(&hostile, || work.call_often(&good, &mut beside))?;
    }
    Ok(Latencies {
        alone_ms_p99: p99(alone),
        beside_ms_p99: p99(beside),
    })
}

impl Work {
    fn call_often(&self, plugin: &Plugin, millis: &mut Vec<f64>) -> anyhow::Result<()> {
        for _ in 0..CALLS {
            let started = Instant::now();
            plugin.transform(&self.plan, self.batch.clone())?;
            millis.push(started.elapsed().as_secs_f64() * 1e3);
        }
        Ok(())
    }

    /// Does something while the hostile guests run.
    fn amid(
        &self,
        hostile: &[Plugin],
        something: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let enough = AtomicBool::new(false);
        let all_run = Barrier::new(hostile.len() + 1);
        let harm = |plugin: &Plugin| {
            all_run.wait();
            while !enough.load(Ordering::Relaxed) {
                let answer = plugin.transform(&self.plan, self.batch.clone());
                ensure!(answer.is_err(), "a hostile guest answered");
            }
            anyhow::Ok(())
        };
        thread::scope(|scope| {
            let threads: Vec<_> = hostile
                .iter()
                .map(|plugin| scope.spawn(|| harm(plugin)))
                .collect();
            all_run.wait();
            let outcome = something();
            enough.store(true, Ordering::Relaxed);
            for thread in threads {
                match thread.join() {
                    Ok(harm) => harm?,
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            outcome
        })
    }
}

fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = values.len() * 99 / 100;
    values.get(at).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_takes_longer() {
        let values = (0..200).map(f64::from).collect();
        assert_eq!(p99(values).to_bits(), 198.0_f64.to_bits());
        assert_eq!(p99(Vec::new()).to_bits(), 0.0_f64.to_bits());
    }
}
