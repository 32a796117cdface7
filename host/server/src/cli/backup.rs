//! `partneros backup` and `partneros restore`: copies of the database. The sealing key is not in them.

use std::path::PathBuf;

use clap::Args;
use partneros_store::{DatabaseSummary, back_up, restore};
use partneros_sync::Environment as _;

use crate::config::Config;
use crate::environment::SystemEnvironment;
use crate::storage;

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write; it must not exist yet.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The file that `partneros backup` wrote.
    file: PathBuf,
    /// Replaces the database that is there; it is kept beside the new one.
    #[arg(long)]
    replace: bool,
}

impl Backup {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let database = storage::database_file(config);
        anyhow::ensure!(
            database.exists(),
            "failed to find a database at `{}`; is `--data-dir` right?",
            database.display()
        );
        let name = self.file.display().to_string();
        let summary = tokio::task::spawn_blocking(move || back_up(&database, &self.file)).await??;
        println!("wrote and checked `{name}`: {}", held(&summary));
        println!("the sealing key is not in it: keep a copy of it in another place");
        Ok(())
    }
}

impl Restore {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        storage::create_directory(config)?;
        let database = storage::database_file(config);
        anyhow::ensure!(
            self.replace || !database.exists(),
            "failed because `{}` exists; with `--replace` it is kept under another name",
            database.display()
        );
        let suffix = format!(".replaced-{}", SystemEnvironment.now().as_millis());
        let name = database.display().to_string();
        let restored =
            tokio::task::spawn_blocking(move || restore(&self.file, &database, &suffix)).await??;
        println!("restored `{name}`");
        if let Some(kept) = restored {
            println!("the database that was there is now `{}`", kept.display());
        }
        println!("next: partneros doctor, which tells whether the sealing key opens what is in it");
        Ok(())
    }
}

fn held(summary: &DatabaseSummary) -> String {
    format!(
        "version {}, {} organizations, {} records, {} links, {} KiB",
        summary.version,
        summary.organizations,
        summary.records,
        summary.links,
        summary.bytes >> 10
    )
}
