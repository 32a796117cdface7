//! A test of the tests: each mistake, switched on alone, is found within so many schedules.
//!
//! Runs in a build of its own: `make simulate-mistakes`.
#![cfg(feature = "mistakes")]

use partneros_simulate::{Schedule, Template, run};
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
        let found = (1..=SCHEDULES_MAX).find_map(|seed| {
            let failure = run(&template, &Schedule::of_seed(seed)).err()?;
            Some((seed, failure))
        });
        match found {
            Some((seed, failure)) => println!("{mistake:?} is found by schedule {seed}: {failure}"),
            None => missed.push(mistake),
        }
    }
    make(None);
    assert!(missed.is_empty(), "not found: {missed:?}");
}
