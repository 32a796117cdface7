//! One call to a portal: a place in the budget, a token, an exchange, and again while that is worth it.
//!
//! The answer is decoded inside the loop, so that a body that arrives broken is asked for again. Invariant: tokens and
//! values appear in no event and no error.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::error::Category;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::access::AccessTokens;
use crate::budget::{Budget, Meter};
use crate::error::Error;
use crate::http::{Answer, Http, invalid};
use crate::portal::Priority;
use crate::refusal::{self, Failure};
use crate::retry::RetryConfig;

/// A request that may be sent several times.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    url: Url,
    body: Option<Bytes>,
    meter: Meter,
    priority: Priority,
}

impl Call {
    pub(crate) fn get(url: Url, priority: Priority) -> Self {
        Self {
            method: Method::GET,
            url,
            body: None,
            meter: Meter::Burst,
            priority,
        }
    }

    pub(crate) fn post(url: Url, body: &impl Serialize, priority: Priority) -> Result<Self, Error> {
        let body = serde_json::to_vec(body).map_err(|error| {
            invalid(
                &url,
                format!("the request could not be written as JSON: {error}"),
            )
        })?;
        Ok(Self {
            method: Method::POST,
            url,
            body: Some(body.into()),
            meter: Meter::Burst,
            priority,
        })
    }

    pub(crate) fn delete(url: Url, priority: Priority) -> Self {
        Self {
            method: Method::DELETE,
            ..Self::get(url, priority)
        }
    }

    /// Counts the call as a search.
    pub(crate) fn metered_as_search(mut self) -> Self {
        self.meter = Meter::Search;
        self
    }
}

/// What calls of one connection share.
pub(crate) struct Caller {
    pub(crate) http: Http,
    pub(crate) tokens: std::sync::Arc<dyn AccessTokens>,
    pub(crate) budget: Option<Budget>,
    pub(crate) retry: RetryConfig,
    pub(crate) cancel: CancellationToken,
    pub(crate) jitter: Jitter,
}

impl Caller {
    /// Makes the call and decodes the answer's body with `read`, whose error says what is wrong with it.
    pub(crate) async fn call<T>(
        &self,
        call: &Call,
        read: impl Fn(&[u8]) -> Result<T, serde_json::Error> + Send + Sync,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::Cancelled.into()),
            outcome = self.attempts(call, read) => outcome,
        }
    }

    async fn attempts<T>(
        &self,
        call: &Call,
        read: impl Fn(&[u8]) -> Result<T, serde_json::Error> + Send + Sync,
    ) -> Result<T, Failure> {
        let began = Instant::now();
        let mut attempt = 1;
        let mut renewed: Option<SecretString> = None;
        loop {
            if let Some(budget) = &self.budget {
                budget.pass(call.meter, call.priority).await;
            }
            let token = match &renewed {
                Some(token) => token.clone(),
                None => self.tokens.access_token().await?,
            };
            let failure = match self.exchange(call, &token).await {
                Ok(answer) if (200..300).contains(&answer.status) => match read(&answer.body) {
                    Ok(value) => return Ok(value),
                    Err(error) => {
                        unreadable(&call.url, &answer.body, &error, &[token.expose_secret()]).into()
                    }
                },
                Ok(answer) => refusal::failure(&answer, &[token.expose_secret()]),
                Err(error) => error.into(),
            };
            if matches!(failure.error, Error::Unauthorized(_)) && renewed.is_none() {
                renewed = Some(self.tokens.renewed(&token).await?);
                continue;
            }
            let spread = self.jitter.spread();
            let Some(wait) = self
                .retry
                .wait(&failure.error, attempt, began.elapsed(), spread)
            else {
                return Err(failure);
            };
            if let (Some(budget), Error::RateLimited { .. } | Error::Locked { .. }) =
                (&self.budget, &failure.error)
            {
                budget.hold(call.meter, wait);
            }
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn exchange(&self, call: &Call, token: &SecretString) -> Result<Answer, Error> {
        let began = Instant::now();
        let mut request = self
            .http
            .request(call.method.clone(), call.url.clone())
            .header(AUTHORIZATION, bearer(token, &call.url)?);
        if let Some(body) = &call.body {
            request = request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.clone());
        }
        let outcome = self.http.send(request, &call.url).await;
        if let (Ok(answer), Some(budget)) = (&outcome, &self.budget) {
            budget.observe(&answer.headers);
        }
        observe(call.method.as_str(), &call.url, &outcome, began.elapsed());
        outcome
    }
}

/// The event of one exchange.
pub(crate) fn observe(
    method: &str,
    url: &Url,
    outcome: &Result<Answer, Error>,
    duration: Duration,
) {
    let answer = outcome.as_ref().ok();
    let status = answer.map_or_else(|| "none".to_owned(), |answer| answer.status.to_string());
    metrics::counter!("partneros_hubspot_requests_total", "status" => status).increment(1);
    metrics::histogram!("partneros_hubspot_request_duration_seconds").record(duration);
    let correlation_id = answer
        .and_then(|answer| answer.headers.get("x-hubspot-correlation-id"))
        .and_then(|id| id.to_str().ok());
    tracing::debug!(
        http.method = method,
        http.path = url.path(),
        http.status = answer.map(|answer| answer.status),
        http.body_bytes = answer.map(|answer| answer.body.len()),
        hubspot.correlation_id = correlation_id,
        duration_ms = duration.as_millis() as u64,
        "called HubSpot"
    );
}

/// The header of a token, marked so that no library prints it.
pub(crate) fn bearer(token: &SecretString, url: &Url) -> Result<HeaderValue, Error> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| {
            invalid(
                url,
                "the access token holds characters no header can".to_owned(),
            )
        })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A success whose body is not what it should be. HTML is quoted, since it says which proxy interfered; JSON is not,
/// since it holds records and tokens.
pub(crate) fn unreadable(
    url: &Url,
    body: &[u8],
    error: &serde_json::Error,
    secrets: &[&str],
) -> Error {
    let text = error.to_string();
    let mut problem = if text.starts_with("missing field") {
        text
    } else {
        // The rest of serde's message may repeat a value.
        let kind = match error.classify() {
            Category::Eof => "cut off",
            Category::Data => "unexpected data",
            Category::Io | Category::Syntax => "no JSON",
        };
        format!("{kind} at byte {}", offset(body, error))
    };
    if body.trim_ascii_start().first() == Some(&b'<') {
        problem = format!("no JSON but `{}`", refusal::quote(body, secrets));
    }
    invalid(url, problem)
}

/// Where in the body reading stopped.
fn offset(body: &[u8], error: &serde_json::Error) -> usize {
    let before: usize = body
        .split_inclusive(|byte| *byte == b'\n')
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    before + error.column()
}

/// Where waits get their randomness from.
#[derive(Debug)]
pub(crate) struct Jitter(Mutex<StdRng>);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// A number in 0..1.
    pub(crate) fn spread(&self) -> f64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .random_range(0.0..1.0)
    }
}
