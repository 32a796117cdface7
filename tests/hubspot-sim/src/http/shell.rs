//! How a call gets in and its answer out: token, budget, faults, headers, correlation ids.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use partneros_domain::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Clock;
use crate::errors::ApiError;
use crate::faults::Fault;
use crate::limits::{Cost, Quota};
use crate::state::{ApiVersion, Call, Sim};

/// Characters of an address; longer ones end in 414.
pub const ADDRESS_CHARS_MAX: usize = 8_000;

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct Shell {
    sim: Arc<Mutex<Sim>>,
    clock: Clock,
}

/// What of a request decides whether it gets in.
#[derive(Debug, Clone)]
pub struct Head {
    path: String,
    address_chars: usize,
    bearer: Option<String>,
    version: ApiVersion,
}

/// A handler's result before headers are added.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    body: Vec<u8>,
    location: Option<String>,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        // Serialising our own answer types into memory cannot fail: their keys are texts and nothing else does I/O.
        Self {
            status,
            body: serde_json::to_vec(body).unwrap_or_default(),
            location: None,
        }
    }

    /// An answer that is JSON already.
    pub fn bytes(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            body,
            location: None,
        }
    }

    /// 204.
    pub fn empty() -> Self {
        Self {
            status: 204,
            body: Vec::new(),
            location: None,
        }
    }

    /// Adds a `Location` header.
    pub fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }
}

impl Head {
    /// The whole path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the caller shows a token.
    pub fn bears_token(&self) -> bool {
        self.bearer.is_some()
    }
}

impl<S: Sync> FromRequestParts<S> for Head {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let uri = parts
            .extensions
            .get::<axum::extract::OriginalUri>()
            .map_or(&parts.uri, |uri| &uri.0);
        let bearer = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        Ok(Self {
            path: uri.path().to_owned(),
            address_chars: uri
                .path_and_query()
                .map_or(0, |address| address.as_str().len()),
            bearer: bearer
                .and_then(|value| value.strip_prefix("Bearer "))
                .map(str::to_owned),
            version: parts
                .extensions
                .get::<ApiVersion>()
                .copied()
                .unwrap_or(ApiVersion::V3),
        })
    }
}

impl Shell {
    /// A shell around a portal.
    pub fn new(sim: Arc<Mutex<Sim>>, clock: Clock) -> Self {
        Self { sim, clock }
    }

    /// The portal, locked.
    pub fn sim(&self) -> MutexGuard<'_, Sim> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Runs one API call.
    pub async fn call(
        &self,
        head: Head,
        cost: Cost,
        run: impl FnOnce(&mut Sim, &Call) -> Result<Reply, ApiError>,
    ) -> Response {
        if head.address_chars > ADDRESS_CHARS_MAX {
            let page = "<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n<body>\r\n<center><h1>414 Request-URI Too Large</h1></center>\r\n</body>\r\n</html>\r\n";
            return error_response(&ApiError::page(414, page), None);
        }
        let (response, fault) = self.apply(&head, cost, run);
        strike(response, fault).await
    }

    /// Runs a call of the app itself, which has no budget.
    pub async fn call_app(
        &self,
        head: &Head,
        scope: &str,
        run: impl FnOnce(&mut Sim) -> Result<Reply, ApiError>,
    ) -> Response {
        let bearer = head.bearer.as_deref();
        let admit = |sim: &mut Sim| sim.admit_app(self.now(), &head.path, bearer, scope);
        let (response, fault) = self.apply_unmetered(admit, run);
        strike(response, fault).await
    }

    /// Runs a call that needs no token.
    pub async fn call_openly(
        &self,
        head: &Head,
        run: impl FnOnce(&mut Sim) -> Result<Reply, ApiError>,
    ) -> Response {
        let admit = |sim: &mut Sim| {
            let fault = sim.faults.draw(&head.path);
            fault.and_then(Fault::refusal).map_or(Ok(fault), Err)
        };
        let (response, fault) = self.apply_unmetered(admit, run);
        strike(response, fault).await
    }

    fn apply_unmetered(
        &self,
        admit: impl FnOnce(&mut Sim) -> Result<Option<Fault>, ApiError>,
        run: impl FnOnce(&mut Sim) -> Result<Reply, ApiError>,
    ) -> (Response, Option<Fault>) {
        let mut sim = self.sim();
        let fault = match admit(&mut sim) {
            Ok(fault) => fault,
            Err(error) => return (error_response(&sim.stamp(error), None), None),
        };
        let response = match run(&mut sim) {
            Ok(reply) => {
                let correlation_id = sim.correlation_id();
                reply_response(reply, &correlation_id, None)
            }
            Err(error) => error_response(&sim.stamp(error), None),
        };
        (response, fault)
    }

    fn apply(
        &self,
        head: &Head,
        cost: Cost,
        run: impl FnOnce(&mut Sim, &Call) -> Result<Reply, ApiError>,
    ) -> (Response, Option<Fault>) {
        let now = self.now();
        let mut sim = self.sim();
        let admission = sim.admit(now, &head.path, head.bearer.as_deref(), head.version, cost);
        let admission = match admission {
            Ok(admission) => admission,
            Err(error) => return (error_response(&sim.stamp(error), None), None),
        };
        let response = match run(&mut sim, &admission.call) {
            Ok(reply) => {
                let correlation_id = sim.correlation_id();
                reply_response(reply, &correlation_id, admission.quota)
            }
            Err(error) => error_response(&sim.stamp(error), admission.quota),
        };
        (response, admission.fault)
    }
}

/// The body of a call as JSON, or HubSpot's refusal of it.
pub fn decode<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::malformed(&error))
}

/// What a path that HubSpot does not have ends in.
pub async fn no_such_route(State(shell): State<Shell>, head: Head) -> Response {
    let error = ApiError::plain(
        404,
        format!("The requested URL {} was not found.", head.path),
    );
    let error = shell.sim().stamp(error);
    error_response(&error, None)
}

/// An answer outside of the API's budgets, such as the token endpoint's.
pub fn bare(status: u16, body: &impl Serialize) -> Response {
    let reply = Reply::json(status, body);
    (
        status_code(status),
        [(CONTENT_TYPE, "application/json;charset=utf-8")],
        reply.body,
    )
        .into_response()
}

/// An error as a response.
pub fn error_response(error: &ApiError, quota: Option<Quota>) -> Response {
    let mut response = match error.html {
        Some(html) => (
            status_code(error.status),
            [(CONTENT_TYPE, "text/html")],
            html,
        )
            .into_response(),
        None => bare(error.status, error),
    };
    let headers = response.headers_mut();
    if error.status == 404 && error.html.is_none() {
        headers.insert("x-hubspot-notfound", HeaderValue::from_static("true"));
    }
    if let Some(seconds) = error.retry_after_s {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let Some(id) = &error.correlation_id {
        set(headers, "x-hubspot-correlation-id", id);
    }
    add_quota(headers, quota);
    response
}

/// Applies a fault that strikes after the call.
pub async fn strike(response: Response, fault: Option<Fault>) -> Response {
    match fault {
        Some(Fault::Latency { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            response
        }
        Some(Fault::LostResponse) => {
            // A body that fails at once closes the connection before a byte of the head is written.
            let (mut parts, _) = response.into_parts();
            // Of an answer without content, no body would be asked for.
            parts.status = StatusCode::OK;
            Response::from_parts(parts, Body::from_stream(stream::iter([broken_off()])))
        }
        Some(Fault::CutOffBody) => cut_off(response).await,
        _ => response,
    }
}

/// The response with its full length announced, and a body that breaks off half-way.
async fn cut_off(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // The body is in memory already; reading it cannot fail.
    let whole = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let half = whole.slice(0..whole.len() / 2);
    parts
        .headers
        .insert(CONTENT_LENGTH, whole.len().max(1).into());
    // Giving way once lets the head and the first half reach the client before the connection closes.
    let end = stream::once(async {
        tokio::task::yield_now().await;
        broken_off()
    });
    let pieces = stream::iter([Ok(half)]).chain(end);
    Response::from_parts(parts, Body::from_stream(pieces))
}

fn broken_off() -> Result<Bytes, std::io::Error> {
    Err(std::io::Error::other("the simulated connection broke off"))
}

fn reply_response(reply: Reply, correlation_id: &str, quota: Option<Quota>) -> Response {
    let status = status_code(reply.status);
    let mut response = if reply.body.is_empty() {
        status.into_response()
    } else {
        (
            status,
            [(CONTENT_TYPE, "application/json;charset=utf-8")],
            reply.body,
        )
            .into_response()
    };
    let headers = response.headers_mut();
    set(headers, "x-hubspot-correlation-id", correlation_id);
    if let Some(location) = &reply.location {
        set(headers, "location", location);
    }
    add_quota(headers, quota);
    response
}

fn add_quota(headers: &mut axum::http::HeaderMap, quota: Option<Quota>) {
    let Some(quota) = quota else { return };
    headers.insert("x-hubspot-ratelimit-interval-milliseconds", 10_000.into());
    headers.insert("x-hubspot-ratelimit-max", quota.burst_max.into());
    headers.insert(
        "x-hubspot-ratelimit-remaining",
        quota.burst_remaining.into(),
    );
    headers.insert(
        "x-hubspot-ratelimit-secondly",
        (quota.burst_max / 10).into(),
    );
    headers.insert(
        "x-hubspot-ratelimit-secondly-remaining",
        (quota.burst_max / 10).into(),
    );
    if let Some((max, remaining)) = quota.daily {
        headers.insert("x-hubspot-ratelimit-daily", max.into());
        headers.insert("x-hubspot-ratelimit-daily-remaining", remaining.into());
    }
}

fn set(headers: &mut axum::http::HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
