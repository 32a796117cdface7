//! `partneros plugins export` and `import`: how a pair is set up, as a file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use partneros_domain::PairId;
use reqwest::Method;
use serde_json::{Value, json};

use super::host::Host;
use super::report;

/// Writes how an object pair is set up into a file.
///
/// The bundle holds settings, mappings, the digests of the plugins they need, and sample values with what becomes of
/// them; no record and no component. Another organization takes it over with `import`:
///
///   partneros plugins export --pair 0192f1c0-... --out partners.bundle.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Export {
    /// The object pair.
    #[arg(long, value_name = "ID")]
    pair: PairId,
    /// Where to write it [default: standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    host: Host,
}

/// Shows what a bundle would change about an object pair, and changes it with `--apply`.
///
///   partneros plugins import partners.bundle.json --pair 0192f1d4-...
///   partneros plugins import partners.bundle.json --pair 0192f1d4-... --apply
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Import {
    /// The bundle, as `export` writes it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The object pair.
    #[arg(long, value_name = "ID")]
    pair: PairId,
    /// Changes the pair; without it nothing is written.
    #[arg(long)]
    apply: bool,
    /// Applies it although fixtures come out differently here.
    #[arg(long, requires = "apply")]
    accept_differences: bool,
    /// Prints the host's answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    host: Host,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = format!("pairs/{}/bundle", self.pair);
        let request = self.host.request(Method::GET, &path)?;
        let answer = self.host.ask(request).await?;
        let bundle = answer
            .get("bundle")
            .context("the host's answer holds no bundle")?;
        let text = serde_json::to_string_pretty(bundle)? + "\n";
        match &self.out {
            Some(file) => fs::write(file, text)
                .with_context(|| format!("failed to write `{}`", file.display()))?,
            None => print!("{text}"),
        }
        Ok(())
    }
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let bundle = read(&self.file)?;
        let path = format!("pairs/{}/bundle", self.pair);
        let request = self
            .host
            .request(Method::POST, &format!("{path}/compare"))?;
        let body = json!({"bundle": bundle});
        let compared = self.host.ask(request.json(&body)).await?;
        let comparison = compared.get("comparison").unwrap_or(&Value::Null);
        if self.json {
            println!("{}", serde_json::to_string_pretty(comparison)?);
        } else {
            print!("{}", report::human(&shown(comparison)));
        }
        let version = comparison
            .get("version")
            .context("the host's answer holds no version")?;
        if is_same(comparison) {
            eprintln!("The pair is set up like this already.");
            return Ok(());
        }
        if !self.apply {
            eprintln!("Nothing was written; `--apply` changes the pair.");
            return Ok(());
        }
        if !self.accept_differences && !is_empty(comparison, "fixtureDifferences") {
            bail!(
                "fixtures come out differently here; if that is right, add `--accept-differences`"
            );
        }
        let body = json!({
            "bundle": bundle, "version": version, "acceptDifferences": self.accept_differences,
        });
        let request = self.host.request(Method::POST, &path)?;
        self.host.ask(request.json(&body)).await?;
        eprintln!("The pair is set up like the bundle now.");
        Ok(())
    }
}

fn read(file: &Path) -> anyhow::Result<Value> {
    let text =
        fs::read_to_string(file).with_context(|| format!("failed to read `{}`", file.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("failed to read `{}`: it is no bundle", file.display()))
}

fn is_empty(comparison: &Value, list: &str) -> bool {
    comparison
        .get(list)
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty)
}

fn is_same(comparison: &Value) -> bool {
    ["settings", "mappings"]
        .iter()
        .all(|list| is_empty(comparison, list))
        && comparison.get("mapper").is_none_or(Value::is_null)
        && ["missingPlugins", "problems"]
            .iter()
            .all(|list| is_empty(comparison, list))
}

/// The comparison without lists that are empty, and mappings on one line each.
fn shown(comparison: &Value) -> Value {
    let mut shown = comparison.clone();
    if let Some(entries) = shown.as_object_mut() {
        if let Some(Value::Array(changes)) = entries.get_mut("mappings") {
            for change in changes {
                *change = mapping_change(change);
            }
        }
        entries.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
    }
    shown
}

fn mapping_change(change: &Value) -> Value {
    let side = |side: &str| change.get(side).filter(|side| !side.is_null());
    let (from, to) = (side("from"), side("to"));
    let field = from.or(to).and_then(|mapping| mapping.get("field"));
    let kind = match (from, to) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    // Of a change only what differs.
    let text = |mapping: Option<&Value>, other: Option<&Value>| {
        let entries = mapping.and_then(Value::as_object).into_iter().flatten();
        let entries = entries.filter(|(key, value)| {
            *key != "field"
                && *key != "confidence"
                && !value.is_null()
                && other.and_then(|other| other.get(key.as_str())) != Some(value)
        });
        let parts: Vec<_> = entries
            .map(|(key, value)| format!("{key} {value}"))
            .collect();
        parts.join(", ")
    };
    json!({"field": field, "change": kind, "from": text(from, to), "to": text(to, from)})
}
