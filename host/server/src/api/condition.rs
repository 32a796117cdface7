//! Versions as entity tags: what `ETag` says goes into `If-Match`, to change only what was read.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::problem::Problem;
use crate::state::AppState;

/// The version that a caller has seen; none when any will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

/// A condition that is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to read `If-Match`: it takes a version in quotes such as `\"7\"`, as in `ETag`, or `*`"
)]
struct Invalid;

impl From<Invalid> for Problem {
    fn from(error: Invalid) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_if_match", &error)
    }
}

impl FromRequestParts<AppState> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let header = parts.headers.get(header::IF_MATCH);
        let version = header.map(version).transpose()?;
        Ok(Self(version.flatten()))
    }
}

fn version(header: &HeaderValue) -> Result<Option<i64>, Invalid> {
    let text = header.to_str().map_err(|_| Invalid)?.trim();
    if text == "*" {
        return Ok(None);
    }
    let digits = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let version = digits.and_then(|digits| digits.parse().ok());
    version.map(Some).ok_or(Invalid)
}

/// A JSON answer that carries its version as `ETag`.
pub fn tagged(version: i64, body: &impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
