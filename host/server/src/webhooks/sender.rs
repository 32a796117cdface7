//! One attempt: a request, and what came of it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use partneros_domain::Timestamp;
use partneros_store::ClaimedDelivery;
use partneros_sync::describe;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;

use super::address::{NotPublic, checked};
use super::resolver::{Guard, Lookup};
use super::signature::InvalidSecret;
use super::{WebhooksConfig, signature};

/// How long a connection may take; longer means that nobody is there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest reason that is kept, in characters.
const REASON_CHARS_MAX: usize = 200;

/// Sends messages.
#[derive(Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    config: WebhooksConfig,
}

/// Why no messages can be sent at all.
#[derive(Debug, thiserror::Error)]
#[error("failed to prepare connections to webhooks")]
pub struct SetupError(#[source] reqwest::Error);

/// An attempt that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The status of the answer, if there was one.
    pub(super) status: Option<u16>,
    /// What was wrong, for the webhook's owner.
    pub(super) reason: String,
}

impl Sender {
    pub(super) fn new(config: WebhooksConfig, lookup: Arc<dyn Lookup>) -> Result<Self, SetupError> {
        // Another part of the process may have chosen a provider first; then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let guard = Guard {
            allow_private: config.allow_private,
            lookup,
        };
        let client = reqwest::Client::builder()
            .user_agent(concat!("partneros/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(Duration::from_millis(config.timeout_ms.into()))
            .redirect(Policy::none())
            // A proxy would look hosts up by itself.
            .no_proxy()
            .dns_resolver(guard)
            .https_only(!config.allow_http)
            // Each attempt looks its host up; nothing of an answer but its status is read.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(SetupError)?;
        Ok(Self { client, config })
    }

    /// Sends a message once. Returns the status with which it was taken.
    pub(super) async fn send(
        &self,
        claimed: &ClaimedDelivery,
        now: Timestamp,
    ) -> Result<u16, Failure> {
        let without_answer = |reason: String| Failure {
            status: None,
            reason,
        };
        // Anew each time: the configuration may have changed since the URL was taken.
        let url = checked(&claimed.url, &self.config)
            .map_err(|problem| without_answer(problem.to_string()))?;
        let (id, timestamp) = (claimed.event.to_string(), now.as_millis().div_euclid(1_000));
        let secrets = claimed.secrets.as_deref().map_err(|error| {
            tracing::error!(
                error = describe(error),
                "a webhook's secret could not be opened"
            );
            without_answer(InvalidSecret.to_string())
        })?;
        let signed = signature::signatures(secrets, &id, timestamp, &claimed.body)
            .map_err(|problem| without_answer(problem.to_string()))?;
        let sent = self
            .client
            .post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signed)
            .body(claimed.body.clone())
            .send()
            .await;
        let status = match sent {
            Ok(response) => response.status(),
            Err(error) => return Err(without_answer(self.reason(&error))),
        };
        if status.is_success() {
            return Ok(status.as_u16());
        }
        let reason = if status.is_redirection() {
            format!("HTTP {status}: redirects are not followed")
        } else {
            format!("HTTP {status}")
        };
        Err(Failure {
            status: Some(status.as_u16()),
            reason,
        })
    }

    /// Connects to a URL as for a message, and asks for no more than a head. Returns the status of the answer, whatever it is.
    pub(super) async fn reach(&self, url: &str) -> Result<u16, String> {
        let url = checked(url, &self.config).map_err(|problem| problem.to_string())?;
        match self.client.head(url).send().await {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) => Err(self.reason(&error)),
        }
    }

    /// Why there was no answer, without the address.
    fn reason(&self, error: &reqwest::Error) -> String {
        let mut root: &dyn Error = error;
        loop {
            if let Some(refused) = root.downcast_ref::<NotPublic>() {
                return refused.to_string();
            }
            match root.source() {
                Some(source) => root = source,
                None => break,
            }
        }
        if error.is_timeout() {
            return format!("no answer within {} ms", self.config.timeout_ms);
        }
        if error.is_dns() {
            return "its host was not found".to_owned();
        }
        let cause: String = root.to_string().chars().take(REASON_CHARS_MAX).collect();
        if error.is_connect() {
            format!("no connection: {cause}")
        } else {
            format!("no answer: {cause}")
        }
    }
}
