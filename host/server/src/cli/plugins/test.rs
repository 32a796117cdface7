//! `partneros plugins test`: a plugin against its golden files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use partneros_runtime::Plugin;

use super::call::Used;
use super::golden::{self, GoldenFile, Outcome};
use super::{component, table};
use crate::config::Config;

/// The folder of a plugin that holds its golden files.
const GOLDEN_FOLDER: &str = "golden";

/// Runs golden files: what a plugin is asked and what it must answer.
///
/// `DIR` is a plugin's folder or its `golden` folder. Every `*.json` in it is a list of cases:
///
///   [{"name": "names are trimmed",
///     "plan": {"direction": "to-partneros",
///              "inputs": [{"name": "name", "label": "Name", "dataType": "text"}],
///              "outputs": [{"name": "name", "label": "Name", "dataType": "text"}],
///              "rules": [{"inputs": [0], "output": 0, "options": {"op": "trim"}}]},
///     "batch": [{"text": [" Acme "]}],
///     "columns": [{"text": ["Acme"]}], "failures": []}]
///
///   partneros plugins test .
///   partneros plugins test golden --plugin build/my-mapper.wasm --update
///
/// A case with `plan` and `problems` ([rule, code]) asks `check`, one with `partneros`, `hubspot` and `suggestions`
/// ([field, property]) asks `suggest`, one without an expectation must be declined.
#[expect(
    clippy::doc_link_with_quotes,
    reason = "the example is shown as it is typed"
)]
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Test {
    /// The folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The component [default: the only `*.wasm` in the plugin's folder, its `build` or its `dist`].
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// The component beneath a layer.
    #[arg(long, value_name = "FILE")]
    beneath: Option<PathBuf>,
    /// Writes what the plugin answers into the files as what is expected.
    #[arg(long)]
    update: bool,
}

/// What came of all files.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) passed: usize,
    /// A text for each case that failed.
    pub(super) failed: Vec<String>,
    pub(super) used: Used,
}

impl Test {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        tokio::task::spawn_blocking(move || self.run_here(&config)).await?
    }

    fn run_here(self, config: &Config) -> anyhow::Result<()> {
        let folder = golden_folder(&self.folder);
        let files = golden::load(&folder)?;
        let file = match self.plugin {
            Some(file) => file,
            None => component::find(plugin_folder(&self.folder))?,
        };
        let runtime = component::runtime(config)?;
        let plugin = component::load_over(&runtime, &file, self.beneath.as_deref())?;
        let tally = run(&files, &plugin, self.update, true)?;
        for failed in &tally.failed {
            println!("{failed}");
        }
        println!("{}", tally.line());
        match tally.failed.len() {
            0 => Ok(()),
            count => bail!("{} failed", table::number_of(count, "case")),
        }
    }
}

impl Tally {
    /// The sum, on one line.
    pub(super) fn line(&self) -> String {
        let (passed, failed) = (self.passed, self.failed.len());
        format!("{passed} passed, {failed} failed; {}", self.used.line())
    }
}

/// The folder with the golden files: `golden` within a plugin's folder, or the folder itself.
pub(super) fn golden_folder(folder: &Path) -> PathBuf {
    let golden = folder.join(GOLDEN_FOLDER);
    if golden.is_dir() {
        golden
    } else {
        folder.to_owned()
    }
}

/// The plugin's folder, when its `golden` folder was named.
fn plugin_folder(folder: &Path) -> &Path {
    match folder.parent() {
        Some(parent) if folder.ends_with(GOLDEN_FOLDER) => {
            if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            }
        }
        _ => folder,
    }
}

/// Puts all cases to a plugin. With `update`, files whose cases failed are rewritten, and only what cannot be
/// written counts as failed.
pub(super) fn run(
    files: &[GoldenFile],
    plugin: &Plugin,
    update: bool,
    print: bool,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for file in files {
        let mut outcomes = Vec::new();
        for case in &file.cases {
            outcomes.push(case.ask(plugin));
        }
        let name = file.path.display();
        let differing = (outcomes.iter())
            .filter(|outcome| !outcome.differences.is_empty())
            .count();
        let rewritten = update && differing > 0;
        if print {
            let state = match (differing, rewritten) {
                (0, _) => "ok  ",
                (_, true) => "new ",
                (_, false) => "FAIL",
            };
            println!(
                "{state} {name}: {}",
                table::number_of(file.cases.len(), "case")
            );
        }
        if rewritten {
            let text = file.updated(&outcomes)?;
            fs::write(&file.path, text).with_context(|| format!("failed to write `{name}`"))?;
            println!("     {name}: rewritten, look at what changed before you keep it");
        }
        for (case, outcome) in file.cases.iter().zip(outcomes) {
            let settled = outcome.differences.is_empty() || (rewritten && outcome.answer.is_ok());
            if settled {
                tally.passed += 1;
            } else {
                let title = format!(
                    "{name}, {}, `{}`",
                    case.function(),
                    table::plain(&case.name)
                );
                tally.failed.push(described(&title, &outcome));
            }
            tally.used.merge(&outcome.used);
        }
    }
    Ok(tally)
}

fn described(title: &str, outcome: &Outcome) -> String {
    let mut text = format!("FAIL {title}");
    for difference in &outcome.differences {
        text.push_str("\n       ");
        text.push_str(&table::plain(difference));
    }
    for line in outcome.used.log.lines() {
        text.push_str("\n       log: ");
        text.push_str(&table::plain(line));
    }
    text
}
