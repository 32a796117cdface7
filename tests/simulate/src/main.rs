//! `make simulate SEEDS=n`: runs schedules until one fails.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use partneros_simulate::shrink::shrink;
use partneros_simulate::{Failure, Schedule, Template, run, wire};

/// Simulates syncs with crashes, lost answers and edits at every moment, and checks what both sides end with.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many schedules to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first schedule's seed; the others follow.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many run at the same time.
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Every so many schedules one is run twice and must do the same both times; 0 for none.
    #[arg(long, default_value_t = 50)]
    again: u64,
    /// Prints what goes over the wire, and what people do.
    #[arg(long)]
    talk: bool,
    /// Does not make a failing schedule smaller.
    #[arg(long)]
    whole: bool,
    /// Runs the schedule in this file, once.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "from"])]
    schedule: Option<PathBuf>,
}

/// What is done so far.
#[derive(Debug, Default)]
struct Done {
    schedules: AtomicU64,
    passes: AtomicU64,
    crashes: AtomicU64,
    stop: AtomicBool,
}

/// A schedule that failed, and how.
type Found = (u64, Schedule, Failure);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let template = match Template::shared() {
        Ok(template) => template,
        Err(error) => {
            eprintln!("the simulation could not begin: {error}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.talk {
        wire::talk();
    }
    if let Some(file) = &arguments.schedule {
        return replay(&template, file);
    }
    let began = Instant::now();
    let done = Done::default();
    let next = AtomicU64::new(arguments.from);
    let mut found: Vec<Found> = std::thread::scope(|scope| {
        let work = || work(&arguments, &template, &next, &done);
        let threads: Vec<_> = (0..arguments.threads.max(1))
            .map(|_| scope.spawn(work))
            .collect();
        let joined = threads
            .into_iter()
            .filter_map(|thread| thread.join().ok().flatten());
        joined.collect()
    });
    let seconds = began.elapsed().as_secs_f64();
    let schedules = done.schedules.load(Ordering::SeqCst);
    println!(
        "simulate_schedules_per_s {:.0} 1/s",
        schedules as f64 / seconds
    );
    let (passes, crashes) = (&done.passes, &done.crashes);
    eprintln!("{schedules} schedules, {passes:?} passes and {crashes:?} crashes in {seconds:.1} s");
    found.sort_by_key(|(seed, ..)| *seed);
    let Some((seed, schedule, failure)) = found.into_iter().next() else {
        return ExitCode::SUCCESS;
    };
    eprintln!("seed {seed} failed: {failure}");
    if arguments.whole {
        eprintln!("{schedule}");
    } else {
        let smaller = shrink(&template, &schedule);
        let failure = run(&template, &smaller).err();
        eprintln!("a smaller schedule fails too, with {failure:?}:\n{smaller}");
    }
    ExitCode::FAILURE
}

/// Runs the schedule in a file.
fn replay(template: &Arc<Template>, file: &Path) -> ExitCode {
    let read = std::fs::read_to_string(file).map_err(Failure::from);
    let schedule = read.and_then(|text| Ok(serde_json::from_str::<Schedule>(&text)?));
    match schedule.and_then(|schedule| run(template, &schedule)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}: {failure}", file.display());
            ExitCode::FAILURE
        }
    }
}

/// Runs schedules until one fails here or elsewhere.
fn work(
    arguments: &Arguments,
    template: &Arc<Template>,
    next: &AtomicU64,
    done: &Done,
) -> Option<Found> {
    let end = arguments.from + arguments.seeds;
    loop {
        let seed = next.fetch_add(1, Ordering::SeqCst);
        if seed >= end || done.stop.load(Ordering::SeqCst) {
            return None;
        }
        let schedule = Schedule::of_seed(seed);
        let outcome = run(template, &schedule).and_then(|report| {
            let twice = arguments.again != 0 && seed.is_multiple_of(arguments.again);
            if twice && run(template, &schedule)? != report {
                return Err("the same schedule did something else the second time".into());
            }
            Ok(report)
        });
        done.schedules.fetch_add(1, Ordering::SeqCst);
        match outcome {
            Ok(report) => {
                done.passes.fetch_add(report.passes, Ordering::SeqCst);
                done.crashes.fetch_add(report.crashes, Ordering::SeqCst);
            }
            Err(failure) => {
                done.stop.store(true, Ordering::SeqCst);
                return Some((seed, schedule, failure));
            }
        }
    }
}
