//! A fixed number of schedules in every run of the tests, and those that once failed. `make simulate` runs more.

use partneros_simulate::{Schedule, Template, run};

/// Schedules of every run.
const SEEDS: u64 = 400;
/// Schedules where it is decided what lands.
const SEEDS_OF_CI: u64 = 2_000;

#[test]
fn no_schedule_breaks_an_invariant() {
    let template = Template::shared().unwrap();
    let seeds = if std::env::var_os("CI").is_some() {
        SEEDS_OF_CI
    } else {
        SEEDS
    };
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let template = &template;
            scope.spawn(move || {
                for seed in (1..=seeds).filter(|seed| seed % 2 == thread) {
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

#[test]
fn what_failed_once_fails_no_more() {
    let template = Template::shared().unwrap();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");
    let entries = std::fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let schedule: Schedule = serde_json::from_str(&text).unwrap();
        assert_eq!(schedule.to_string(), text, "{}", file.display());
        let outcome = run(&template, &schedule);
        outcome.unwrap_or_else(|failure| panic!("{}: {failure}", file.display()));
    }
}
