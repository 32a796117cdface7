//! JSON bodies. What cannot be read is answered with where and why.

use axum::Json;
use axum::body::HttpBody as _;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::problem::Problem;
use crate::state::AppState;

/// A JSON body of a known shape; `Option<Body<T>>` where it may be left out.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

/// A body that cannot be read.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to read the body: it must be JSON, sent with `Content-Type: application/json`")]
    NotJson,
    #[error("failed to read the body as JSON: {0}")]
    Syntax(String),
    #[error("failed to use the body: {0}")]
    Shape(String),
    #[error("failed to read the body: it is longer than {0} bytes")]
    TooLong(usize),
    #[error("failed to read the body: it ended early")]
    CutOff,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Error::Syntax(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
            Error::Shape(_) => (StatusCode::BAD_REQUEST, "invalid_body"),
            Error::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Error::CutOff => (StatusCode::BAD_REQUEST, "unreadable_body"),
        };
        Self::new(status, code, &error)
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let refused = |rejection| refused(&rejection, state.limits.body_bytes_max);
        let raw = <Json<Box<RawValue>> as FromRequest<AppState>>::from_request(request, state);
        let Json(raw) = raw.await.map_err(refused)?;
        // Serde would take a list for an object whose members come in order.
        if !raw.get().starts_with('{') {
            return Err(Error::Shape("it must be a JSON object".to_owned()).into());
        }
        let Json(value) = Json::<T>::from_bytes(raw.get().as_bytes()).map_err(refused)?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned> OptionalFromRequest<AppState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Option<Self>, Problem> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        <Self as FromRequest<AppState>>::from_request(request, state)
            .await
            .map(Some)
    }
}

fn refused(rejection: &JsonRejection, body_bytes_max: usize) -> Error {
    match rejection {
        JsonRejection::JsonDataError(error) => Error::Shape(cause(error)),
        JsonRejection::JsonSyntaxError(error) => Error::Syntax(cause(error)),
        JsonRejection::BytesRejection(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Error::TooLong(body_bytes_max)
        }
        JsonRejection::BytesRejection(_) => Error::CutOff,
        _ => Error::NotJson,
    }
}

/// What serde says, without axum's own words before it.
fn cause(error: &dyn std::error::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// A member that says what becomes of something that may be there: left out, null, or a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Left out: it stays.
    #[default]
    Keep,
    /// Null: it goes.
    Clear,
    /// A value: it becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// What becomes of `old`.
    pub fn of(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Clear => None,
            Self::Set(new) => Some(new),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    /// Called for members that are there; those left out take the default.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use crate::api::fixture::{Answer, TestApi};
    use crate::state::ApiLimits;

    const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

    async fn create(api: &TestApi, headers: &[(&str, &str)], text: &str) -> Answer {
        let acme = api.acme();
        acme.send_text(
            Method::POST,
            "/api/records/partners",
            headers,
            text.to_owned(),
        )
        .await
    }

    #[tokio::test]
    async fn malformed_bodies_say_where_and_why() {
        let api = TestApi::new().await;
        let deep = format!(
            "{{\"fields\": {{\"name\": {}1{}}}}}",
            "[".repeat(500),
            "]".repeat(500)
        );
        let cases: [(&str, u16, &str); 8] = [
            ("{", 400, "invalid_json"),
            ("", 400, "invalid_json"),
            ("{\"fields\": {\"name\": NaN}}", 400, "invalid_json"),
            (&deep, 400, "invalid_json"),
            ("[]", 400, "invalid_body"),
            ("{}", 400, "invalid_body"),
            (
                "{\"fields\": {\"name\": \"x\"}, \"colour\": 1}",
                400,
                "invalid_body",
            ),
            ("{\"fields\": {}, \"fields\": {}}", 400, "invalid_body"),
        ];
        let mut said = Vec::new();
        for (text, status, code) in cases {
            said.push(create(&api, JSON, text).await.refused(status, code));
        }
        insta::assert_json_snapshot!("malformed_bodies", said);
    }

    #[tokio::test]
    async fn only_json_is_read() {
        let api = TestApi::new().await;
        let text = "{\"fields\": {\"name\": \"x\"}}";
        for headers in [&[][..], &[("content-type", "text/plain")]] {
            create(&api, headers, text)
                .await
                .refused(415, "unsupported_media_type");
        }
        let utf8 = [("content-type", "application/json; charset=utf-8")];
        create(&api, &utf8, text).await.expect(200);
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_refused() {
        let limits = ApiLimits {
            body_bytes_max: 100,
            ..ApiLimits::default()
        };
        let api = TestApi::with_limits(limits).await;
        let text = format!("{{\"fields\": {{\"name\": \"{}\"}}}}", "x".repeat(100));
        let message = create(&api, JSON, &text)
            .await
            .refused(413, "body_too_large");
        assert!(message.contains("100 bytes"), "{message}");
    }
}
