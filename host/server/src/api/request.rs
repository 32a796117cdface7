//! What every request goes through: an id, one log line, a JSON body for whatever went wrong.
//!
//! Requests that change something run as tasks of their own, so that a caller who hangs up leaves nothing half done.
//! Paths are logged by their pattern and queries not at all, since a callback's query carries a code.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument as _;

use crate::problem::Problem;
use crate::state::AppState;

/// The header that names the request in every answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The methods that metrics tell apart; a caller may make up others.
const KNOWN_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The outermost layer: names the request, logs it, and writes the body of a [`Problem`].
pub async fn answer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = state.environment.new_id().to_string();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path
        .as_ref()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let span =
        tracing::info_span!("request", request.id = %id, http.method = %method, http.path = %path);
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let _entered = span.enter();
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = written(&problem, &response, &id);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    let (status, duration) = (response.status().as_u16(), began.elapsed());
    record(method.as_str(), &path, status, duration);
    let duration_ms = duration.as_millis() as u64;
    tracing::debug!(http.status = status, duration_ms, "request answered");
    response
}

/// Counts the request. The path is a pattern, so there are as many series as routes.
fn record(method: &str, path: &str, status: u16, duration: Duration) {
    let method = KNOWN_METHODS
        .iter()
        .find(|known| **known == method)
        .copied();
    let labels = [
        ("method", method.unwrap_or("other").to_owned()),
        ("path", path.to_owned()),
    ];
    metrics::histogram!("partneros_http_request_duration_seconds", &labels).record(duration);
    let [method, path] = labels;
    let labels = [method, path, ("status", status.to_string())];
    metrics::counter!("partneros_http_requests_total", &labels).increment(1);
}

/// Runs requests that change something to their end, also when the caller hangs up.
pub async fn see_through(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return next.run(request).await;
    }
    match state.jobs.see_through(next.run(request)).await {
        Ok(response) => response,
        Err(error) => Problem::internal(format!("the task was lost: {error}")).into_response(),
    }
}

/// The answer to a route that does not exist.
pub async fn unknown_route(method: Method, uri: Uri) -> Problem {
    let message = format!(
        "failed to find a route for `{method} {}`; see `/api/openapi.json`",
        uri.path()
    );
    Problem::new(StatusCode::NOT_FOUND, "unknown_route", &message)
}

/// The answer to a method that a route does not have.
pub async fn unknown_method(method: Method) -> Problem {
    let message = format!(
        "failed because this route has no `{method}`; the header `Allow` lists what it has"
    );
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        &message,
    )
}

/// The answer to a request that ran into a bug.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over"
)]
pub fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Problem::internal(format!("the handler panicked: {what}")).into_response()
}

/// The problem's body in place of the empty one, with the headers kept.
fn written(problem: &Problem, response: &Response, request_id: &str) -> Response {
    match problem.cause() {
        Some(cause) if problem.status() == StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!(error = cause, "request failed");
        }
        Some(cause) => tracing::warn!(error = cause, "request failed"),
        None => {}
    }
    let mut body = (problem.status(), Json(problem.body(request_id))).into_response();
    for (name, value) in response.headers() {
        if *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH {
            body.headers_mut().append(name, value.clone());
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::http::Method;
    use serde_json::json;

    use crate::api::fixture::TestApi;
    use crate::api::integrations::fixture::PanickingConnect;

    #[tokio::test]
    async fn unknown_routes_and_methods_are_json() {
        let api = TestApi::new().await;
        for path in ["/", "/api", "/api/nothing", "/api/pairs"] {
            let message = api.anyone().get(path).await.refused(404, "unknown_route");
            assert!(message.contains(&format!("GET {path}`")), "{message}");
        }
        let answer = api.acme().delete("/api/objects").await;
        answer.refused(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), "GET,HEAD");
        insta::assert_json_snapshot!("method_not_allowed", answer.json);
    }

    #[tokio::test]
    async fn every_answer_names_its_request_and_is_not_kept() {
        let api = TestApi::new().await;
        let mut ids = std::collections::HashSet::new();
        for path in ["/healthz", "/api/objects", "/api/nothing"] {
            let answer = api.acme().get(path).await;
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            assert!(
                ids.insert(answer.header("x-request-id").to_owned()),
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_that_names_the_request_and_nothing_else() {
        let mut api = TestApi::new().await;
        api.serve(|state| state.connect = Some(Arc::new(PanickingConnect)));
        let answer = api
            .acme()
            .post("/api/integrations/hubspot/connect", json!({}))
            .await;
        answer.refused(500, "internal");
        assert_eq!(answer.json["requestId"], answer.header("x-request-id"));
        assert!(!answer.json.to_string().contains("boom"));
        insta::assert_json_snapshot!("internal", answer.json);
        api.acme().get("/api/objects").await.expect(200);
    }

    #[tokio::test]
    async fn a_change_is_seen_through_when_the_caller_hangs_up() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let body = Some(json!({"fields": {"name": "Acme"}}));
        let create = acme.send(Method::POST, "/api/records/partners", &[], body);
        // Polled once, then dropped: what a server does with the request of a caller who is gone.
        assert!(
            polled_once(create).await.is_none(),
            "the answer takes more than one poll"
        );
        api.state.jobs.finish().await;
        let page = acme.get("/api/records/partners").await.expect(200);
        assert_eq!(page["records"].as_array().unwrap().len(), 1);
    }

    async fn polled_once<T>(work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|context| match work.as_mut().poll(context) {
            std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
            std::task::Poll::Pending => std::task::Poll::Ready(None),
        })
        .await
    }
}
