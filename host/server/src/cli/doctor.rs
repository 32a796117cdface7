//! `partneros doctor`: prints what was found, and fails if something does not work.

use clap::Args;

use crate::config::Config;
use crate::doctor::{Verdict, examine};

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Prints a JSON list instead of lines.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let findings = examine(config).await;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&findings)?);
        } else {
            for finding in &findings {
                println!(
                    "{:<8} {:<15} {}",
                    finding.verdict, finding.check, finding.message
                );
            }
        }
        let failures = findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Failure);
        match failures.count() {
            0 => Ok(()),
            count => anyhow::bail!("{count} of {} checks failed", findings.len()),
        }
    }
}
