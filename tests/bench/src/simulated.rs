//! How fast the simulation runs its schedules, which is how many a fixed time of CI holds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{anyhow, ensure};
use partneros_simulate::{Schedule, Template, run};

use crate::measure::{Values, middle};

/// How many schedules are run.
const SCHEDULES: u64 = 2_000;
/// How many run at the same time, as by `make simulate`.
const THREADS: usize = 2;

/// Runs schedules, so many times over.
pub fn measure(rounds: u32) -> anyhow::Result<Values> {
    let template = Template::shared().map_err(|error| anyhow!("{error}"))?;
    let mut speeds = Vec::new();
    for round in 1..=rounds {
        let (next, failed) = (AtomicU64::new(1), AtomicU64::new(0));
        let work = || {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed > SCHEDULES {
                    break;
                }
                if run(&template, &Schedule::of_seed(seed)).is_err() {
                    failed.store(seed, Ordering::Relaxed);
                }
            }
        };
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(work);
            }
        });
        let speed = SCHEDULES as f64 / began.elapsed().as_secs_f64();
        let failed = failed.into_inner();
        ensure!(failed == 0, "schedule {failed} fails; see `make simulate`");
        eprintln!("simulate {round}/{rounds}: {speed:.0} schedules/s");
        speeds.push(speed);
    }
    Ok(vec![("simulate_schedules_per_s", middle(speeds))])
}
