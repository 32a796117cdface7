//! `partneros plugins push`: an upload, with its report.

use std::convert::Infallible;
use std::fmt::Display;
use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::Args;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Method, header};
use serde_json::Value;

use super::host::{Answer, Host};
use super::{component, report, table};

/// The header with the detached signature.
pub(super) const SIGNATURE_HEADER: &str = "partneros-signature";
/// How much is handed to the connection at a time, and so how often progress is told.
const CHUNK_BYTES: usize = 256 << 10;

/// Uploads a component to a host, as a new version of a plugin.
///
/// The host checks it and answers with the report that `check` prints. A version is staged until it is activated:
///
///   export PARTNEROS_TOKEN=pos_...
///   partneros plugins push build/my-mapper.wasm --name my-mapper --url https://partneros.example.com
///   partneros plugins activate SHA256 --organization
#[expect(clippy::doc_markdown, reason = "the example is shown as it is typed")]
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Push {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    file: PathBuf,
    /// The plugin's name in the host.
    #[arg(long)]
    name: String,
    /// The signature, as `partneros plugins sign` writes it.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Prints the host's answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    host: Host,
}

impl Push {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let bytes = component::read(&self.file)?;
        let signature = self.signature.as_deref().map(signature).transpose()?;
        let answer = upload(&self.host, &self.name, bytes, signature.as_deref()).await?;
        tell(answer, self.json, &self.file.display())
    }
}

/// Prints what the host found; an error when it does not accept the component.
pub(super) fn tell(answer: Answer, as_json: bool, what: &dyn Display) -> anyhow::Result<()> {
    let shown = |json: &Value, report: &Value| {
        if as_json {
            println!("{}", serde_json::to_string_pretty(json)?);
        } else {
            print!("{}", report::human(report));
        }
        anyhow::Ok(())
    };
    match answer {
        Answer::Done(json) => {
            shown(&json, json.get("report").unwrap_or(&json))?;
            eprintln!("{}", accepted(&json));
            Ok(())
        }
        Answer::Rejected { message, report } => {
            shown(&report, &report)?;
            bail!("the host did not accept `{what}`: {message}")
        }
    }
}

/// Sends a component to a host.
pub(super) async fn upload(
    host: &Host,
    name: &str,
    bytes: Vec<u8>,
    signature: Option<&str>,
) -> anyhow::Result<Answer> {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let request = (host.request(Method::POST, &format!("plugins?name={name}"))?)
        .header(header::CONTENT_TYPE, "application/wasm");
    let request = match signature {
        Some(signature) => request.header(SIGNATURE_HEADER, signature),
        None => request,
    };
    let body = Upload {
        total: bytes.len(),
        rest: bytes.into(),
        told: std::io::stderr().is_terminal(),
    };
    host.send(request.body(reqwest::Body::wrap(body))).await
}

/// What to do with a version that was accepted.
pub(super) fn accepted(json: &Value) -> String {
    let digest = json.pointer("/version/sha256").and_then(Value::as_str);
    let digest = table::plain(digest.unwrap_or("SHA256"));
    format!("uploaded; next: partneros plugins activate {digest} --organization")
}

/// The bytes piece by piece; the progress on standard error, for a person who waits.
struct Upload {
    rest: Bytes,
    total: usize,
    told: bool,
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let count = CHUNK_BYTES.min(self.rest.len());
        let chunk = self.rest.split_to(count);
        if self.told {
            let end = if self.rest.is_empty() { "\n" } else { "\r" };
            let (sent, total) = (self.total - self.rest.len(), self.total);
            let (sent, total) = (table::bytes(sent as u64), table::bytes(total as u64));
            eprint!("uploaded {sent} of {total}  {end}");
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    /// Exact, so that the host knows at once when a component is too large.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

pub(super) fn signature(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("failed to read the signature `{}`", file.display()))?;
    Ok(text.trim().to_owned())
}
