//! Measures the host and prints one line a figure: `name value unit`. Progress and remarks go to standard error.
//!
//! What is measured runs in a process of its own that does nothing else, and so does the portal it talks to. Where two
//! programs are compared they take turns within one run, and medians are compared, so that a machine with other work
//! distorts both alike.

mod child;
mod companies;
mod environment;
mod example;
mod figures;
mod fleet;
mod handwritten;
mod host;
mod hostile;
mod languages;
mod mapper;
mod measure;
mod pages;
mod pair;
mod plugins;
mod process;
mod reads;
mod rivals;
mod served;
mod simulated;
mod sync;
mod task;
mod transform;
mod upload;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

use crate::task::Task;

/// Measures the host; prints `name value unit`, one line a figure.
///
/// Everything needed is started and stopped by itself: simulated portals on local ports, databases in a temporary
/// directory of the system (set TMPDIR to measure another disk). Example mappers are built where their toolchain is
/// there (`examples/toolchains.sh` installs them), the engines compared with when they are first measured.
#[derive(Debug, Parser)]
#[command(name = "partneros-bench", after_help = figures::help())]
struct Arguments {
    /// Figures to measure, or beginnings of their names; all by default.
    figures: Vec<String>,
    /// How often a noisy measurement is repeated; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,
    /// Used by the program itself to run a part of a measurement in a process of its own.
    #[arg(long, hide = true, value_name = "JSON")]
    task: Option<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(task) = arguments.task {
        let task: Task = serde_json::from_str(&task).context("failed to read the task")?;
        return task.perform();
    }
    let wanted = figures::select(&arguments.figures)?;
    for (measurement, figures) in figures::by_measurement(&wanted) {
        for (name, value) in measurement.take(arguments.rounds)? {
            if let Some(figure) = figures.iter().find(|figure| figure.name == name) {
                println!("{}", figure.line(value));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
