//! The `partneros` binary: arguments in, library call out.

use std::process::ExitCode;

use clap::Parser;
use partneros_server::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("partneros: {error:#}");
            ExitCode::FAILURE
        }
    }
}
