//! Makes a failing schedule smaller: it leaves out whatever the failure does without.

use std::sync::Arc;

use crate::run::run;
use crate::schedule::{Habits, Schedule};
use crate::template::Template;

/// How often a smaller schedule is tried.
const TRIES_MAX: usize = 400;

/// The smallest schedule found that still fails.
pub fn shrink(template: &Arc<Template>, failing: &Schedule) -> Schedule {
    let mut best = failing.clone();
    let mut tries = 0;
    let mut fails = |schedule: &Schedule| {
        tries += 1;
        tries <= TRIES_MAX && run(template, schedule).is_err()
    };
    loop {
        let before = best.clone();
        let mut length = (best.steps.len() / 2).max(1);
        while length >= 1 {
            let mut at = 0;
            while at < best.steps.len() {
                let mut smaller = best.clone();
                smaller.steps.drain(at..(at + length).min(best.steps.len()));
                if fails(&smaller) {
                    best = smaller;
                } else {
                    at += length;
                }
            }
            length /= 2;
        }
        for simpler in simpler(&best) {
            if simpler != best && fails(&simpler) {
                best = simpler;
            }
        }
        if best == before {
            return best;
        }
    }
}

fn simpler(schedule: &Schedule) -> Vec<Schedule> {
    let with = |change: &dyn Fn(&mut Habits)| {
        let mut simpler = schedule.clone();
        change(&mut simpler.habits);
        simpler
    };
    vec![
        Schedule {
            processes: 1,
            ..schedule.clone()
        },
        Schedule {
            mirrors: false,
            ..schedule.clone()
        },
        Schedule {
            on_disk: false,
            ..schedule.clone()
        },
        with(&|habits| habits.ahead_ms = 0),
        with(&|habits| (habits.create_lag_ms, habits.update_lag_ms) = (0, 0)),
        with(&|habits| habits.refresh = 0),
        with(&|habits| habits.old_objects = false),
        with(&|habits| habits.enriches = false),
        with(&|habits| habits.rewrites = None),
    ]
}
