//! `Idempotency-Key`: a creating request that is sent again is answered again, and done once.
//!
//! The key belongs to the organization and the operation, for a day. Its first request takes it before anything is done; an answer
//! of success is kept and given again, a refusal frees the key. In between the outcome is not known, and the key stays taken.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use partneros_store::{KeptAnswer, RequestKey, Taken};
use sha2::{Digest as _, Sha256};

use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// The header that names a request.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The longest key.
const KEY_CHARS_MAX: usize = 255;
/// How long a key is remembered.
const REMEMBERED_MS: i64 = 86_400_000;
/// The longest answer that is kept; a full batch of records has less than half of it.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// The operations that take a key: those that make something which a second request would make again. What shows a secret
/// once is not among them, since its answer would have to be kept.
pub const REPEATABLE: [&str; 4] = [
    "/api/records/{object}",
    "/api/records/{object}/batch",
    "/api/integrations/{connectionId}/pairs",
    "/api/pairs/{pairId}/sync",
];

/// A key that cannot be used, or not yet.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "failed to read `Idempotency-Key`: it takes 1 to {KEY_CHARS_MAX} visible ASCII characters, such as a UUID"
    )]
    Invalid,
    #[error("failed to read the body: it is longer than {0} bytes")]
    TooLong(usize),
    #[error(
        "failed because this operation takes no `Idempotency-Key`; leave it out, and read before sending again"
    )]
    Unsupported,
    #[error(
        "failed because another request was sent with this `Idempotency-Key`; take a new key for a new request"
    )]
    Other,
    #[error(
        "failed because the request with this `Idempotency-Key` is under way, or was cut off; send it again in a while, and if this \
         stays, look for what it would have made and take a new key"
    )]
    Unfinished,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::Invalid => (StatusCode::BAD_REQUEST, "invalid_idempotency_key"),
            Error::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Error::Unsupported => (StatusCode::BAD_REQUEST, "idempotency_unsupported"),
            Error::Other => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Error::Unfinished => (StatusCode::CONFLICT, "idempotency_unfinished"),
        };
        Self::new(status, code, &error)
    }
}

/// The layer that looks at the header. Within [`super::request::see_through`], so that a caller who hangs up leaves no key behind.
pub async fn once(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(value) = request.headers().get(KEY).cloned() else {
        return next.run(request).await;
    };
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    match answered(&state, &value, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answered(
    state: &AppState,
    value: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, state).await?;
    let operation = parts.extensions.get::<MatchedPath>();
    let is_repeatable = operation.is_some_and(|path| REPEATABLE.contains(&path.as_str()));
    if !is_repeatable {
        return Err(Error::Unsupported.into());
    }
    let value = value.to_str().ok().filter(|value| {
        (1..=KEY_CHARS_MAX).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let value = value.ok_or(Error::Invalid)?;
    let length_max = state.limits.body_bytes_max;
    let body = to_bytes(body, length_max)
        .await
        .map_err(|_| Error::TooLong(length_max))?;
    let target = parts.uri.path();
    // Nobody is given an answer that another caller got.
    let (actor, role) = (caller.actor.as_bytes(), [caller.role as u8]);
    let key = RequestKey {
        hash: digest(&[target.as_bytes(), value.as_bytes(), actor, &role]),
        fingerprint: digest(&[parts.uri.query().unwrap_or_default().as_bytes(), &body]),
    };
    let (store, organization) = (&state.store, caller.organization);
    let now = state.environment.now();
    let forget_until = now.plus_millis(-REMEMBERED_MS);
    match store.take_key(organization, key, now, forget_until).await? {
        Taken::Now => {}
        Taken::Answered(answer) => return Ok(again(answer)),
        Taken::Unfinished => return Err(Error::Unfinished.into()),
        Taken::Other => return Err(Error::Other.into()),
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if response.status().is_success() {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, ANSWER_BYTES_MAX)
            .await
            .map_err(|error| Problem::internal(format!("the answer cannot be kept: {error}")))?;
        let answer = KeptAnswer {
            status: parts.status.as_u16(),
            entity_tag: entity_tag(&parts.headers),
            body: body.to_vec(),
        };
        store.keep_answer(organization, key, answer).await?;
        return Ok(Response::from_parts(parts, Body::from(body)));
    }
    // What failed by a bug or on the disk may have happened all the same.
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        store.free_key(organization, key).await?;
    }
    Ok(response)
}

fn again(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (REPLAYED, HeaderValue::from_static("true")),
    ];
    let mut response = (status, headers, answer.body).into_response();
    if let Some(tag) = answer
        .entity_tag
        .and_then(|tag| HeaderValue::try_from(tag).ok())
    {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The version of what an answer shows.
fn entity_tag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(header::ETAG)?.to_str().ok()?;
    Some(tag.to_owned())
}

/// Each part with its length in front, so that no two lists of parts have the same digest.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::{Value as Json, json};

    use crate::api::fixture::{Answer, Client, TestApi};

    const RECORDS: &str = "/api/records/partners";

    async fn post(client: &Client<'_>, key: &str, body: &Json) -> Answer {
        let headers = [("idempotency-key", key)];
        let body = Some(body.clone());
        client.send(Method::POST, RECORDS, &headers, body).await
    }

    async fn count(client: &Client<'_>) -> usize {
        let page = client.get(RECORDS).await.expect(200);
        page["records"].as_array().unwrap().len()
    }

    #[tokio::test]
    async fn a_repeated_request_is_answered_and_not_done_again() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let body = json!({"fields": {"name": "Acme"}});
        let first = post(&acme, "one", &body).await;
        let second = post(&acme, "one", &body).await;
        assert_eq!((first.status, second.status), (200, 200));
        assert_eq!(first.json, second.json);
        assert_eq!(
            (first.header("etag"), second.header("etag")),
            ("\"1\"", "\"1\"")
        );
        assert_eq!(second.header("idempotency-replayed"), "true");
        assert_eq!(count(&acme).await, 1);
        let other = post(&acme, "one", &json!({"fields": {"name": "Other"}})).await;
        other.refused(422, "idempotency_key_reused");
        post(&acme, "two", &body).await.expect(200);
        assert_eq!(count(&acme).await, 2);
        post(&api.other(), "one", &body).await.expect(200);
        assert_eq!(count(&acme).await, 2);
        api.environment.wait_ms(super::REMEMBERED_MS);
        post(&acme, "one", &body).await.expect(200);
        assert_eq!(count(&acme).await, 3);
    }

    #[tokio::test]
    async fn a_refusal_frees_the_key() {
        let api = TestApi::new().await;
        let acme = api.acme();
        post(&acme, "one", &json!({"fields": {"colour": "red"}}))
            .await
            .refused(400, "invalid_fields");
        post(&acme, "one", &json!({"fields": {"name": "Acme"}}))
            .await
            .expect(200);
    }

    #[tokio::test]
    async fn keys_that_protect_nothing_are_refused() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let body = json!({"fields": {"name": "Acme"}});
        for key in ["", "two words", &"x".repeat(256)] {
            post(&acme, key, &body)
                .await
                .refused(400, "invalid_idempotency_key");
        }
        let path = format!("/api/pairs/{}/pause", api.pair().await);
        let headers = [("idempotency-key", "one")];
        acme.send(Method::POST, &path, &headers, None)
            .await
            .refused(400, "idempotency_unsupported");
    }

    #[test]
    fn every_repeatable_operation_exists() {
        let document = serde_json::to_value(crate::router::document()).unwrap();
        for path in super::REPEATABLE {
            let operation = &document["paths"][path]["post"];
            let parameters = operation["parameters"].to_string();
            assert!(
                parameters.contains("Idempotency-Key"),
                "{path}: {parameters}"
            );
        }
    }
}
