//! `make demo`: tells the story, then stays up for the curious, or with `--once` ends with a verdict.

use std::fs::File;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use partneros_demo::files::DataDir;
use partneros_demo::options::Options;
use partneros_demo::stage::{Pace, Stage};
use partneros_demo::{story, tour};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let data_dir = match DataDir::open(options.data_dir.as_deref()) {
        Ok(data_dir) => data_dir,
        Err(error) => return failed(&error),
    };
    match run(&options, &data_dir).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!(
                "The host's log and database are in {}",
                data_dir.keep().display()
            );
            failed(&error)
        }
    }
}

/// Returns whether everything went as it should.
async fn run(options: &Options, data_dir: &DataDir) -> anyhow::Result<bool> {
    let log = data_dir.path().join("host.log");
    let file = File::create(&log).with_context(|| format!("failed to make `{}`", log.display()))?;
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(file)
        .init();
    let mut stage = Stage::set(options, data_dir.path()).await?;
    let outcome = tokio::select! {
        told = story::tell(&mut stage, options) => told?,
        interrupted = tokio::signal::ctrl_c() => return interrupted.map(|()| false).map_err(Into::into),
    };
    if !options.once {
        stage.restart(Pace::Scheduled).await?;
        println!(
            "{}",
            tour::describe(&stage, &outcome.partners, &outcome.deals).await?
        );
        tokio::signal::ctrl_c().await?;
        println!();
    }
    stage.stop().await?;
    Ok(outcome.is_good())
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("partneros-demo: {error:#}");
    ExitCode::FAILURE
}
