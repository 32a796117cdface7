//! `partneros plugins check`: the report that an upload would get.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::{component, report, table};
use crate::config::Config;

/// Reports on a component as the host does when it is uploaded.
///
/// What it is, what it was built with, its size, what its functions take, and every problem with its place and what to
/// change; the exit code is 1 if there is one. Nothing leaves this machine.
///
///   partneros plugins check build/my-mapper.wasm
///   partneros plugins check build/my-layer.wasm --beneath hubspot-mapper.wasm --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Check {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    file: PathBuf,
    /// The component beneath a layer.
    #[arg(long, value_name = "FILE")]
    beneath: Option<PathBuf>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        tokio::task::spawn_blocking(move || self.run_here(&config)).await?
    }

    fn run_here(self, config: &Config) -> anyhow::Result<()> {
        let bytes = component::read(&self.file)?;
        let beneath = self.beneath.as_deref().map(component::read).transpose()?;
        let runtime = component::runtime(config)?;
        let report = component::inspect(&runtime, &bytes, beneath.as_deref())?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print!("{}", report::human(&report));
        }
        match report::problems(&report).len() {
            0 => Ok(()),
            count => bail!(
                "`{}` has {}",
                self.file.display(),
                table::number_of(count, "problem")
            ),
        }
    }
}
