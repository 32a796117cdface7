//! The API of a host, as far as it is about plugins.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use url::Url;

use super::{report, table};

/// How long a connection may take; longer means that there is no host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an exchange may take. An upload is compiled and tried before it is answered.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(5);
/// How long an answer may be; a report is a few kilobytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// The code of an answer about a component that is not accepted; its details are the problems.
const PLUGIN_REJECTED: &str = "plugin_rejected";

/// Which host, and who asks.
#[derive(Debug, Clone, Args)]
pub(super) struct Host {
    /// The host's address.
    #[arg(
        long,
        value_name = "URL",
        env = "PARTNEROS_URL",
        default_value = "http://localhost:8080"
    )]
    url: Url,
    /// An API token, as `partneros tokens create` prints it.
    #[arg(long, env = "PARTNEROS_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// What a host answered.
#[derive(Debug)]
pub(super) enum Answer {
    /// It did what it was asked.
    Done(Value),
    /// It does not accept the component; the report says why.
    Rejected {
        /// In a sentence.
        message: String,
        /// In detail.
        report: Value,
    },
}

impl Host {
    /// Whether there is a token, without which nothing can be asked.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Starts a request for a path below `/api/`.
    pub(super) fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let token = self.token.as_ref().context(
            "there is no token: give `--token` or set `PARTNEROS_TOKEN`; \
             `partneros tokens create --organization NAME` makes one",
        )?;
        // Another part of the process may have chosen a provider first; then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("partneros/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // A token must not travel to another host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("failed to open connections")?;
        let url = format!("{}/api/{path}", self.url.as_str().trim_end_matches('/'));
        Ok(client.request(method, url).bearer_auth(token))
    }

    /// Sends a request. An answer that is neither success nor a rejected component is an error, in the host's own words.
    pub(super) async fn send(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let response = (request.send().await)
            .with_context(|| format!("failed to reach the host at `{}`", self.url))?;
        let status = response.status();
        let body = read(response).await?;
        if status.is_success() {
            let json = if body.is_empty() {
                Ok(Value::Null)
            } else {
                serde_json::from_slice(&body)
            };
            return Ok(Answer::Done(
                json.context("failed to read the host's answer")?,
            ));
        }
        let json: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let said = |key: &str| json.get(key).and_then(Value::as_str);
        let message = table::plain(said("error").unwrap_or("it gave no reason"));
        if said("code") == Some(PLUGIN_REJECTED) {
            let report = refusals(json.get("details"));
            return Ok(Answer::Rejected { message, report });
        }
        let details = json.get("details").map(report::human);
        let details = details.map_or(String::new(), |text| format!("\n{}", text.trim_end()));
        let code = said("code").map_or(String::new(), |code| format!(", `{}`", table::plain(code)));
        bail!("the host answered {status}{code}: {message}{details}")
    }

    /// Sends a request that is not about a new component.
    pub(super) async fn ask(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        match self.send(request).await? {
            Answer::Done(json) => Ok(json),
            Answer::Rejected { message, report } => {
                Err(anyhow!("{message}\n{}", report::human(&report)))
            }
        }
    }
}

/// The details of a refusal as a report has its problems.
fn refusals(details: Option<&Value>) -> Value {
    let details = details.and_then(Value::as_array);
    let problem = |detail: &Value| {
        let said = |key: &str| {
            detail
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (place, message) = (said("field"), said("message"));
        // The sentence of a detail names the place too.
        let named = format!("`{place}` ");
        let message = message.strip_prefix(&named).unwrap_or(&message).to_owned();
        json!({"code": said("code"), "place": place, "message": message})
    };
    let problems = details.into_iter().flatten().map(problem);
    json!({"problems": problems.collect::<Vec<_>>()})
}

async fn read(mut response: Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = (response.chunk().await).context("failed to read the host's answer")? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            bail!("failed to read the host's answer: it is longer than {ANSWER_BYTES_MAX} bytes");
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
