//! Who calls: the organization behind a bearer token.
//!
//! Invariant: a handler learns its organization from [`Caller`] and from nowhere else. Tokens appear in no log and no
//! answer; only their hash is looked up.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use partneros_domain::OrganizationId;

use crate::problem::Problem;
use crate::state::AppState;
use crate::token;

/// The longest token that is looked up, in bytes; ours have 68.
const TOKEN_BYTES_MAX: usize = 256;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// On whose behalf.
    pub organization: OrganizationId,
}

/// A request without a token that works.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "failed to authenticate: send `Authorization: Bearer` and a token that begins with `{}`",
        token::PREFIX
    )]
    Missing,
    #[error("failed to authenticate: the token is unknown or was deleted")]
    Unknown,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let challenge = match error {
            Error::Missing => HeaderValue::from_static("Bearer"),
            Error::Unknown => HeaderValue::from_static("Bearer error=\"invalid_token\""),
        };
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", &error)
            .with_header(header::WWW_AUTHENTICATE, challenge)
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or(Error::Missing)?;
        let now = state.environment.now();
        let holder = state.store.token_holder(&token::hash(token), now).await?;
        Ok(Self {
            organization: holder.ok_or(Error::Unknown)?.organization_id,
        })
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let sound = scheme.eq_ignore_ascii_case("bearer")
        && token.starts_with(token::PREFIX)
        && token.len() <= TOKEN_BYTES_MAX;
    sound.then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use partneros_store::Organizations as _;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_refusal_says_what_to_send() {
        let api = TestApi::new().await;
        let missing = api.anyone().get("/api/objects").await;
        missing.refused(401, "unauthorized");
        insta::assert_json_snapshot!("unauthorized", missing.json);
        let unknown = api
            .stranger(&format!("pos_{}", "0".repeat(64)))
            .get("/api/objects")
            .await;
        assert_eq!(
            unknown.header("www-authenticate"),
            "Bearer error=\"invalid_token\""
        );
        assert!(
            !unknown.json.to_string().contains("0000"),
            "{}",
            unknown.json
        );
    }

    #[tokio::test]
    async fn only_a_bearer_token_is_taken() {
        let api = TestApi::new().await;
        let token = api.token();
        for (value, status) in [
            (format!("Bearer {token}"), 200),
            (format!("bearer {token}"), 200),
            (format!("Basic {token}"), 401),
            (token.clone(), 401),
            (format!("Bearer {}", token.to_uppercase()), 401),
            (format!("Bearer pos_{}", "0".repeat(300)), 401),
        ] {
            let headers = [("authorization", value.as_str())];
            let answer = api
                .anyone()
                .send(Method::GET, "/api/objects", &headers, None)
                .await;
            assert_eq!(answer.status, status, "{value}");
        }
    }

    #[tokio::test]
    async fn a_deleted_token_stops_working() {
        let api = TestApi::new().await;
        let acme = api.acme();
        acme.get("/api/objects").await.expect(200);
        let tokens = api.store.tokens(acme.organization).await.unwrap();
        api.store
            .delete_token(acme.organization, tokens[0].id)
            .await
            .unwrap();
        acme.get("/api/objects").await.refused(401, "unauthorized");
    }
}
