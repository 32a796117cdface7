//! `partneros plugins list`, `activate`, `rollback` and `logs`: a host's plugins, by its API.

use clap::Args;
use partneros_domain::{ConnectionId, Digest, PairId};
use reqwest::Method;
use serde_json::{Value, json};

use super::host::Host;
use super::report;

/// Lists the plugins of an organization, and their versions.
///
///   partneros plugins list --url https://partneros.example.com
#[expect(clippy::doc_markdown, reason = "the example is shown as it is typed")]
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    host: Host,
    #[command(flatten)]
    output: Output,
}

/// Lets a version do the mapping from now on.
///
/// For the whole organization, one connection or one object pair. With several versions, each extends the one after it:
///
///   partneros plugins activate 1f3c... --organization
///   partneros plugins activate 1f3c... 9ab0... --pair 0192f1c0-...
///
/// `partneros plugins rollback` undoes it.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Activate {
    /// The versions, by their sha256: layers from the top, then the mapper beneath them.
    #[arg(value_name = "SHA256", required = true)]
    parts: Vec<Digest>,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    host: Host,
    #[command(flatten)]
    output: Output,
}

/// Goes back to what did the mapping before the last activation.
///
///   partneros plugins rollback --pair 0192f1c0-...
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Rollback {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    host: Host,
    #[command(flatten)]
    output: Output,
}

/// Prints what a version wrote to its standard output and error.
///
///   partneros plugins logs 1f3c...
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Logs {
    /// The version, by its sha256.
    #[arg(value_name = "SHA256")]
    digest: Digest,
    #[command(flatten)]
    host: Host,
    #[command(flatten)]
    output: Output,
}

/// What a binding is for.
#[derive(Debug, Args)]
#[group(multiple = false, required = true)]
struct Scope {
    /// The whole organization.
    #[arg(long)]
    organization: bool,
    /// One connection, by its id.
    #[arg(long, value_name = "ID")]
    connection: Option<ConnectionId>,
    /// One object pair, by its id.
    #[arg(long, value_name = "ID")]
    pair: Option<PairId>,
}

#[derive(Debug, Args)]
struct Output {
    /// Prints the host's answer as JSON.
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let request = self.host.request(Method::GET, "plugins")?;
        self.output.print(&self.host.ask(request).await?)
    }
}

impl Activate {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = json!({"scope": self.scope.json(), "parts": self.parts});
        let request = self.host.request(Method::POST, "plugins/bindings")?;
        self.output
            .print(&self.host.ask(request.json(&body)).await?)
    }
}

impl Rollback {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = json!({"scope": self.scope.json()});
        let request = self
            .host
            .request(Method::POST, "plugins/bindings/rollback")?;
        self.output
            .print(&self.host.ask(request.json(&body)).await?)
    }
}

impl Logs {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = format!("plugins/versions/{}/logs", self.digest);
        let request = self.host.request(Method::GET, &path)?;
        self.output.print(&self.host.ask(request).await?)
    }
}

impl Scope {
    fn json(&self) -> Value {
        match (self.connection, self.pair) {
            (Some(id), _) => json!({"connection": id}),
            (None, Some(id)) => json!({"pair": id}),
            (None, None) => json!("organization"),
        }
    }
}

impl Output {
    fn print(&self, answer: &Value) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(answer)?);
        } else {
            print!("{}", report::human(answer));
        }
        Ok(())
    }
}
