//! A fixed number of schedules in every run of the tests, and those that once failed. `make simulate` runs more.

use hubspot_sim::MergeMode;
use partneros_simulate::schedule::{Habits, Schedule, Step, What, When};
use partneros_simulate::{Template, run};

/// Schedules of every run.
const SEEDS: u64 = 400;

#[test]
fn no_schedule_breaks_an_invariant() {
    let template = Template::shared().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let template = &template;
            scope.spawn(move || {
                for seed in (1..=SEEDS).filter(|seed| seed % 2 == thread) {
                    let outcome = run(template, &Schedule::of_seed(seed));
                    let report = outcome.unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
                    if seed % 40 == thread {
                        let again = run(template, &Schedule::of_seed(seed)).unwrap();
                        assert_eq!(
                            again, report,
                            "seed {seed} did something else the second time"
                        );
                    }
                }
            });
        }
    });
}

/// An import that reaches objects at the head of a first sync, while search still finds them at their old places: a page
/// of nothing but news says nothing about the objects that stand behind it.
#[test]
fn a_first_sync_during_an_import_misses_nothing() {
    let at = |points, what| Step {
        when: When::AtPoint(points),
        what,
    };
    let schedule = Schedule {
        chance: 4_308_510_517_111_783_334,
        processes: 1,
        mirrors: false,
        habits: Habits {
            create_lag_ms: 11_341,
            update_lag_ms: 19_600,
            refresh: 2,
            unchanged_writes_bump: true,
            ahead_ms: -12_376,
            old_objects: false,
            merge: MergeMode::NewId,
            rewrites: None,
            enriches: false,
        },
        steps: vec![
            at(
                2,
                What::Crash {
                    process: 0,
                    points: 33,
                },
            ),
            Step {
                when: When::After(3_802),
                what: What::OurNew,
            },
            at(
                3,
                What::OurEdit {
                    entity: 1,
                    field: 4,
                    clear: false,
                },
            ),
            at(52, What::Trouble { per_mille: 37 }),
            at(
                56,
                What::OurEdit {
                    entity: 10,
                    field: 1,
                    clear: false,
                },
            ),
            at(41, What::Import { count: 4, field: 4 }),
        ],
    };
    run(&Template::shared().unwrap(), &schedule).unwrap();
}
