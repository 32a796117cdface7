//! Who calls: the organization and the role behind an API token or a session.
//!
//! What was shown appears in no log and no answer; only its hash is looked up.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use partneros_domain::{MemberId, OrganizationId, Role};
use partneros_store::{Credential, Session, TokenHolder};
use partneros_sync::describe;

use super::session::{self, SignedIn};
use crate::problem::Problem;
use crate::state::AppState;
use crate::token;

/// The longest token that is looked up, in bytes; ours have 68.
const TOKEN_BYTES_MAX: usize = 256;
/// How old the time at which a token was used last may be until it is noted again.
const USE_NOTED_MS: i64 = 60_000;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// On whose behalf.
    pub organization: OrganizationId,
    /// What they are there, now.
    pub role: Role,
    /// The member, unless a token of the organization's own was shown.
    pub member: Option<MemberId>,
    /// How the audit log names them: a person by their address, a token by its name.
    pub actor: String,
    /// What they showed.
    pub credential: Credential,
}

/// A request without credentials that work.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "failed to authenticate: sign in, or send `Authorization: Bearer` and a token that begins with `{}`",
        token::PREFIX
    )]
    Missing,
    #[error("failed to authenticate: the token is unknown, expired or was deleted")]
    Unknown,
    #[error(
        "no active organization: choose one of `GET /api/auth/session` at `POST /api/auth/active-organization`"
    )]
    NoOrganization,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let challenge = match error {
            Error::Missing => HeaderValue::from_static("Bearer"),
            Error::Unknown => HeaderValue::from_static("Bearer error=\"invalid_token\""),
            Error::NoOrganization => {
                return Self::new(StatusCode::BAD_REQUEST, "no_active_organization", &error);
            }
        };
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", &error)
            .with_header(header::WWW_AUTHENTICATE, challenge)
    }
}

impl Caller {
    /// The same caller as they are now. It is no use of a token or a session that keeps it alive.
    pub(super) async fn again(&self, state: &AppState) -> Result<Self, Problem> {
        match self.credential {
            Credential::Token(hash) => Ok(Self::of_token(holder(state, hash).await?, hash)),
            Credential::Session(hash) => Self::of_session(session::find(state, &hash).await?, hash),
        }
    }

    /// A token counts more than a cookie: it was sent on purpose.
    async fn found(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if let Some(token) = bearer(parts) {
            let hash = token::hash(token);
            let holder = holder(state, hash).await?;
            note_use(state, &holder).await;
            return Ok(Self::of_token(holder, hash));
        }
        if session::cookie(&parts.headers).is_some() {
            let signed_in = SignedIn::from_request_parts(parts, state).await?;
            return Self::of_session(signed_in.session, signed_in.hash);
        }
        Err(Error::Missing.into())
    }

    fn of_token(holder: TokenHolder, hash: [u8; 32]) -> Self {
        Self {
            organization: holder.organization_id,
            role: holder.role,
            member: holder.member_id,
            actor: holder.name,
            credential: Credential::Token(hash),
        }
    }

    fn of_session(session: Session, hash: [u8; 32]) -> Result<Self, Problem> {
        let active = session.active.ok_or(Error::NoOrganization)?;
        Ok(Self {
            organization: active.organization_id,
            role: active.role,
            member: Some(active.member_id),
            actor: session.email,
            credential: Credential::Session(hash),
        })
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        // A layer may have asked before the handler does; the request counts once.
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let caller = Self::found(parts, state).await?;
        let (Credential::Token(hash) | Credential::Session(hash)) = &caller.credential;
        state.rates.count(hash)?;
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

async fn holder(state: &AppState, hash: [u8; 32]) -> Result<TokenHolder, Problem> {
    let now = state.environment.now();
    let holder = state.store.token_holder(&hash, now).await?;
    Ok(holder.ok_or(Error::Unknown)?)
}

async fn note_use(state: &AppState, holder: &TokenHolder) {
    let now = state.environment.now();
    let fresh = |at| now.millis_since(at) < USE_NOTED_MS;
    if holder.used_at.is_some_and(fresh) {
        return;
    }
    if let Err(error) = state.store.touch_token(holder.token_id, now).await {
        tracing::warn!(
            token.id = %holder.token_id,
            error = describe(&error),
            "the use of a token was not noted"
        );
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
