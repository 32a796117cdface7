//! Sessions of people: the cookie that carries a session's token, and the proof that a change was asked for by our own
//! pages.
//!
//! A browser sends the cookie along with whatever any page makes it send. So a change also needs the header
//! [`CSRF_HEADER`], which another site's page can neither read nor send, and no other site's `Origin`.

use std::fmt::Write as _;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use partneros_store::Session;
use partneros_sync::{Environment, describe};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::problem::Problem;
use crate::state::AppState;
use crate::token;

/// The name of the cookie.
pub const COOKIE: &str = "session_token";
/// The header of a change that is asked for with the cookie.
pub const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
/// The longest token that is looked up, in bytes; ours have 64.
const TOKEN_BYTES_MAX: usize = 256;
/// What the token is hashed with for the header, so that the hash that is kept is another.
const CSRF_DOMAIN: &[u8] = b"partneros csrf token of session ";
/// How old the time at which a session was used last may be until it is noted again.
const USE_NOTED_MS: i64 = 60_000;

/// A person who signed in, whatever organization they work in. A change was asked for by our own pages.
#[derive(Debug)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// The hash of its token.
    pub hash: [u8; 32],
    /// What the header of changes holds.
    pub csrf_token: SecretString,
}

/// A request that no other site's page asked for.
#[derive(Debug)]
pub struct SameOrigin;

/// A request that is not taken as a person's.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to authenticate: sign in first, at `POST /api/auth/sign-in/email`")]
    Missing,
    #[error("failed to authenticate: the session is unknown or has ended; sign in again")]
    Ended,
    #[error(
        "failed because a change that is asked for with a session needs the header `{CSRF_HEADER}`, with `csrfToken` of \
         `GET /api/auth/session`"
    )]
    Csrf,
    #[error(
        "failed because the request comes from a page of another site; this host's pages are at `{0}`, its `public_url`"
    )]
    Origin(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::Missing | Error::Ended => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Error::Csrf => (StatusCode::FORBIDDEN, "invalid_csrf_token"),
            Error::Origin(_) => (StatusCode::FORBIDDEN, "foreign_origin"),
        };
        let problem = Self::new(status, code, &error);
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            return problem.with_header(header::WWW_AUTHENTICATE, challenge);
        }
        problem
    }
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = cookie(&parts.headers).ok_or(Error::Missing)?;
        let hash = token::hash(token);
        let session = find(state, &hash).await?;
        let csrf_token = csrf_token(token);
        if !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
            check_origin(&parts.headers, state)?;
            check_csrf(&parts.headers, &csrf_token)?;
        }
        note_use(state, &session, &hash).await;
        Ok(Self {
            session,
            hash,
            csrf_token,
        })
    }
}

impl FromRequestParts<AppState> for SameOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        check_origin(&parts.headers, state)?;
        Ok(Self)
    }
}

/// A token for a new session.
pub fn new_token(environment: &dyn Environment) -> SecretString {
    let mut random = [0; 32];
    environment.random(&mut random);
    hex::encode(random).into()
}

/// What the header of changes holds in the session of this token.
pub fn csrf_token(token: &str) -> SecretString {
    let digest = Sha256::new()
        .chain_update(CSRF_DOMAIN)
        .chain_update(token.as_bytes())
        .finalize();
    hex::encode(digest).into()
}

/// The cookie's value in a request, if it has one.
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty() && value.len() <= TOKEN_BYTES_MAX)
}

/// The session of the token with this hash, if it works.
pub async fn find(state: &AppState, hash: &[u8; 32]) -> Result<Session, Problem> {
    let session = state.store.session(hash, state.environment.now()).await?;
    Ok(session.ok_or(Error::Ended)?)
}

/// The header that gives a browser the token for as long as the session can last.
pub fn set_cookie(state: &AppState, token: &SecretString) -> Result<HeaderValue, Problem> {
    let seconds = state.auth.config.session_ms_max / 1_000;
    header_value(state, token.expose_secret(), seconds)
}

/// The header that makes a browser forget the token.
pub fn clear_cookie(state: &AppState) -> Result<HeaderValue, Problem> {
    header_value(state, "", 0)
}

fn header_value(state: &AppState, value: &str, seconds: u32) -> Result<HeaderValue, Problem> {
    let mut text = format!("{COOKIE}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax");
    if state.auth.is_secure() {
        let _ = write!(text, "; Secure");
    }
    let header = HeaderValue::try_from(text);
    let mut header = header.map_err(|error| Problem::internal(error.to_string()))?;
    header.set_sensitive(true);
    Ok(header)
}

fn check_origin(headers: &HeaderMap, state: &AppState) -> Result<(), Error> {
    let ours = state.auth.origin();
    let foreign = headers
        .get_all(header::ORIGIN)
        .iter()
        .any(|origin| origin.as_bytes() != ours.as_bytes());
    if foreign {
        return Err(Error::Origin(ours.to_owned()));
    }
    Ok(())
}

fn check_csrf(headers: &HeaderMap, expected: &SecretString) -> Result<(), Error> {
    let expected = expected.expose_secret().as_bytes();
    let sent = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes);
    let same = sent.is_some_and(|sent| bool::from(sent.ct_eq(expected)));
    same.then_some(()).ok_or(Error::Csrf)
}

/// A session lives on while it is used.
async fn note_use(state: &AppState, session: &Session, hash: &[u8; 32]) {
    let now = state.environment.now();
    let idle_ms = i64::from(state.auth.config.session_idle_ms);
    if now.millis_since(session.used_at) < USE_NOTED_MS.min(idle_ms / 2) {
        return;
    }
    let noted = state
        .store
        .touch_session(hash, now, now.plus_millis(idle_ms));
    if let Err(error) = noted.await {
        tracing::warn!(
            error = describe(&error),
            "the use of a session was not noted"
        );
    }
}
