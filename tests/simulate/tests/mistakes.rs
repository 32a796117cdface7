//! A test of the tests: each mistake, switched on alone, is found within so many schedules.
//!
//! Runs in a build of its own: `make mistakes`.
#![cfg(feature = "mistakes")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use partneros_simulate::{Failure, Schedule, Template, run};
use partneros_sync::mistakes::{Mistake, make};

/// Schedules within which a mistake has to be found.
const SCHEDULES_MAX: u64 = 3_000;

#[test]
fn every_mistake_is_found() {
    let mut missed = Vec::new();
    for mistake in Mistake::ALL {
        // A portal of its own, since what is set up is set up with the mistake too.
        make(None);
        let template = Template::shared().unwrap();
        make(Some(mistake));
        let found = first_failing(&template);
        match found {
            Some((seed, failure)) => println!("{mistake:?} is found by schedule {seed}: {failure}"),
            None => missed.push(mistake),
        }
    }
    make(None);
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// The first schedule that fails, looked for on two threads.
fn first_failing(template: &Arc<Template>) -> Option<(u64, Failure)> {
    let end = AtomicU64::new(SCHEDULES_MAX);
    let search = |from: u64| {
        for seed in (from..=SCHEDULES_MAX).step_by(2) {
            if seed > end.load(Ordering::SeqCst) {
                return None;
            }
            if let Err(failure) = run(template, &Schedule::of_seed(seed)) {
                end.fetch_min(seed, Ordering::SeqCst);
                return Some((seed, failure));
            }
        }
        None
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| search(2));
        let found = [search(1), other.join().ok().flatten()];
        found.into_iter().flatten().min_by_key(|(seed, _)| *seed)
    })
}
