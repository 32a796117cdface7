//! Who calls: the organization and the role behind a bearer token.
//!
//! Tokens appear in no log and no answer; only their hash is looked up.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use partneros_domain::{OrganizationId, Role};
use partneros_sync::describe;

use crate::problem::Problem;
use crate::state::AppState;
use crate::token;

/// The longest token that is looked up, in bytes; ours have 68.
const TOKEN_BYTES_MAX: usize = 256;
/// How old the time at which something was used last may be until it is noted again.
const USE_NOTED_MS: i64 = 60_000;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// On whose behalf.
    pub organization: OrganizationId,
    /// What they are there, now.
    pub role: Role,
    /// How the audit log names them: a token by its name.
    pub actor: String,
    /// The hash of the token.
    token: [u8; 32],
}

/// A request without a token that works.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "failed to authenticate: send `Authorization: Bearer` and a token that begins with `{}`",
        token::PREFIX
    )]
    Missing,
    #[error("failed to authenticate: the token is unknown, expired or was deleted")]
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

impl Caller {
    /// The same caller as they are now.
    pub(super) async fn again(&self, state: &AppState) -> Result<Self, Problem> {
        of_token(state, self.token).await
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        // A layer may have asked before the handler does; the request counts once.
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let token = bearer(parts).ok_or(Error::Missing)?;
        let caller = of_token(state, token::hash(token)).await?;
        state.rates.count(&caller.token)?;
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

async fn of_token(state: &AppState, token: [u8; 32]) -> Result<Caller, Problem> {
    let now = state.environment.now();
    let holder = state.store.token_holder(&token, now).await?;
    let holder = holder.ok_or(Error::Unknown)?;
    let noted = holder
        .used_at
        .is_some_and(|at| now.millis_since(at) < USE_NOTED_MS);
    if !noted && let Err(error) = state.store.touch_token(holder.token_id, now).await {
        tracing::warn!(token.id = %holder.token_id, error = describe(&error), "the use of a token was not noted");
    }
    Ok(Caller {
        organization: holder.organization_id,
        role: holder.role,
        actor: holder.name,
        token,
    })
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
    use partneros_domain::Role;
    use partneros_store::Organizations as _;
    use partneros_sync::Environment as _;

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
    async fn the_use_of_a_token_is_noted_once_a_minute() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let used = async || {
            acme.get("/api/objects").await.expect(200);
            let tokens = api.store.tokens(acme.organization).await.unwrap();
            tokens[0].used_at.unwrap()
        };
        let first = used().await;
        assert_eq!(first, api.environment.now());
        api.environment.wait_ms(59_999);
        assert_eq!(used().await, first);
        api.environment.wait_ms(1);
        assert_eq!(used().await, api.environment.now());
    }

    #[tokio::test]
    async fn the_audit_log_names_the_token() {
        let api = TestApi::new().await;
        let id = api.connection().await;
        let admin = api.with_role(Role::Admin).await;
        admin
            .delete(&format!("/api/integrations/{id}"))
            .await
            .expect(200);
        let events = admin.get("/api/audit-events").await.expect(200);
        assert_eq!(events["events"][0]["type"], "connection.disconnected");
        assert_eq!(events["events"][0]["actor"], "a test's admin");
    }

    #[tokio::test]
    async fn an_expired_token_stops_working() {
        let api = TestApi::new().await;
        let soon = api.environment.now().plus_millis(1_000);
        let client = api.with_token(Role::Admin, Some(soon)).await;
        api.environment.wait_ms(999);
        client.get("/api/objects").await.expect(200);
        api.environment.wait_ms(1);
        client
            .get("/api/objects")
            .await
            .refused(401, "unauthorized");
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
