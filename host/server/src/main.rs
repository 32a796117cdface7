//! The `partneros` binary: arguments in, library call out.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use partneros_server::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.compiles() {
        return partneros_runtime::compile_child_main();
    }
    let ended = tokio::runtime::Runtime::new()
        .context("failed to start")
        .and_then(|runtime| runtime.block_on(cli.run()));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("partneros: {error:#}");
            ExitCode::FAILURE
        }
    }
}
