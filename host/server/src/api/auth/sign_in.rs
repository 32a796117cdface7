//! `POST /api/auth/sign-in/email`: begins a session with a password.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use partneros_domain::{EventType, OrganizationId};
use partneros_store::{NewSession, User};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{SessionBody, WrongPassword, body};
use crate::api::body::Body;
use crate::auth::{Peer, SameOrigin, authenticate, note, session};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;
use crate::token;

/// Who signs in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The address.
    email: String,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Begins a session. Whoever is in one organization works in it at once; others choose one first.
#[utoipa::path(post, path = "/api/auth/sign-in/email", tag = "auth", operation_id = "signIn",
    request_body = SignIn,
    responses(
        (status = 200, description = "The session; its token is in the cookie `session_token`.", body = SessionBody,
            headers(("set-cookie" = String, description = "The cookie."))),
        (status = 400, description = "`invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 401, description = "`invalid_credentials`: the address or the password is wrong.", body = ErrorBody),
        (status = 403, description = "`foreign_origin`.", body = ErrorBody),
        (status = 429, description = "`too_many_attempts`: on the account or from the caller's address. `Retry-After` says when to try again.", body = ErrorBody),
        (status = 503, description = "`busy`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    _: SameOrigin,
    peer: Peer,
    Body(sent): Body<SignIn>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<SessionBody>), Problem> {
    let email = sent.email.trim().to_lowercase();
    let user = authenticate(&state, peer, &email, sent.password).await?;
    let user = user.ok_or(WrongPassword::SignIn)?;
    let token = session::new_token(state.environment.as_ref());
    let hash = token::hash(token.expose_secret());
    begin(&state, &user, hash).await?;
    note(&state, &user, &user.email, EventType::MemberSignedIn, peer).await?;
    let found = session::find(&state, &hash).await?;
    let body = body(&state, found, session::csrf_token(token.expose_secret())).await?;
    let cookie = session::set_cookie(&state, &token)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(body)))
}

async fn begin(state: &AppState, user: &User, hash: [u8; 32]) -> Result<(), Problem> {
    let (config, now) = (&state.auth.config, state.environment.now());
    let new = NewSession {
        user_id: user.id,
        hash,
        organization: only_organization(state, user).await?,
        at: now,
        idle_until: now.plus_millis(config.session_idle_ms.into()),
        expires_at: now.plus_millis(config.session_ms_max.into()),
    };
    state
        .store
        .create_session(&new, config.sessions_max)
        .await?;
    // A password that was replaced while it was checked ended all sessions but this one.
    let current = state.store.user_by_email(&user.email).await?;
    let same = current.is_some_and(|current| {
        current.password_hash.expose_secret() == user.password_hash.expose_secret()
    });
    if !same {
        state.store.delete_session(&hash).await?;
        return Err(WrongPassword::SignIn.into());
    }
    Ok(())
}

async fn only_organization(
    state: &AppState,
    user: &User,
) -> Result<Option<OrganizationId>, Problem> {
    let organizations = state.store.organizations_of_user(user.id).await?;
    Ok(match organizations.as_slice() {
        [(only, _)] => Some(only.id),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::http::Method;
    use partneros_domain::Role;
    use serde_json::json;

    use crate::api::auth::fixture::PASSWORD;
    use crate::api::fixture::{Answer, TestApi};
    use crate::auth::Auth;

    const PATH: &str = "/api/auth/sign-in/email";

    async fn sign_in(api: &TestApi, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password});
        api.anyone().post(PATH, body).await
    }

    async fn events(api: &TestApi) -> Vec<String> {
        // Failures are written down in the background.
        api.state.jobs.finish().await;
        let events = api.acme().get("/api/audit-events?type=member.").await;
        let events = events.expect(200);
        let events = events["events"].as_array().unwrap().iter();
        let told = |event: &serde_json::Value| {
            let text = |key: &str| event[key].as_str().unwrap().to_owned();
            format!("{} {} by {}", text("type"), text("subject"), text("actor"))
        };
        events.map(told).collect()
    }

    #[tokio::test]
    async fn the_cookie_is_for_the_browser_alone() {
        let api = TestApi::new().await;
        api.person("ann@acme.example", Role::Member).await;
        let answer = sign_in(&api, " Ann@Acme.example", PASSWORD).await;
        let cookie = answer.header("set-cookie").to_owned();
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "Max-Age=604800; Path=/; HttpOnly; SameSite=Lax");
        let session = answer.expect(200)["session"].clone();
        assert_eq!(session["email"], "ann@acme.example");
        assert_eq!(
            session["activeOrganization"],
            api.acme().organization.to_string()
        );
        assert!(
            !session
                .to_string()
                .contains(pair.split_once('=').unwrap().1)
        );
        let headers = [("cookie", pair)];
        let read = api.anyone();
        let read = read.send(Method::GET, "/api/objects", &headers, None).await;
        read.expect(200);
        assert_eq!(
            events(&api).await,
            ["member.signed_in ann@acme.example by ann@acme.example"]
        );
    }

    #[tokio::test]
    async fn over_tls_the_cookie_is_for_tls_alone() {
        let mut api = TestApi::new().await;
        api.person("ann@acme.example", Role::Member).await;
        api.serve(|state| {
            let url = "https://sync.acme.example/".parse().unwrap();
            let auth = Auth::new(state.auth.config, url, state.environment.as_ref());
            state.auth = Arc::new(auth.unwrap());
        });
        let answer = sign_in(&api, "ann@acme.example", PASSWORD).await;
        let cookie = answer.header("set-cookie");
        assert!(cookie.ends_with("; SameSite=Lax; Secure"), "{cookie}");
    }

    #[tokio::test]
    async fn a_wrong_password_and_an_unknown_address_look_the_same() {
        let api = TestApi::new().await;
        api.person("ann@acme.example", Role::Member).await;
        let wrong = sign_in(&api, "ann@acme.example", "wrong password").await;
        let unknown = sign_in(&api, "bob@acme.example", PASSWORD).await;
        wrong.refused(401, "invalid_credentials");
        assert_eq!((unknown.status, &unknown.json), (401, &wrong.json));
        assert_eq!(
            events(&api).await,
            ["member.sign_in_failed ann@acme.example by system"]
        );
    }

    #[tokio::test]
    async fn attempts_on_an_account_are_limited_whether_it_exists() {
        let api = TestApi::new().await;
        api.person("ann@acme.example", Role::Member).await;
        for email in ["ann@acme.example", "nobody@acme.example"] {
            for _ in 0..10 {
                let answer = sign_in(&api, email, "wrong password").await;
                answer.refused(401, "invalid_credentials");
            }
            let answer = sign_in(&api, email, PASSWORD).await;
            answer.refused(429, "too_many_attempts");
            assert_eq!(answer.header("retry-after"), "900");
        }
        api.environment.wait_ms(900_000);
        sign_in(&api, "ann@acme.example", PASSWORD)
            .await
            .expect(200);
    }

    #[tokio::test]
    async fn attempts_from_an_address_are_limited() {
        let mut api = TestApi::new().await;
        api.configure_auth(|config| config.attempts_per_address = 2);
        let from = async |address: &str, forwarded: &str| {
            let body = json!({"email": "nobody@acme.example", "password": "wrong password"});
            let headers = [("x-forwarded-for", forwarded)];
            let client = api.anyone().from(address);
            client.send(Method::POST, PATH, &headers, Some(body)).await
        };
        for forwarded in ["198.51.100.1", "198.51.100.2"] {
            from("192.0.2.1", forwarded)
                .await
                .refused(401, "invalid_credentials");
        }
        from("192.0.2.1", "198.51.100.3")
            .await
            .refused(429, "too_many_attempts");
        from("192.0.2.2", "198.51.100.3")
            .await
            .refused(401, "invalid_credentials");
    }

    #[tokio::test]
    async fn another_sites_page_signs_nobody_in() {
        let api = TestApi::new().await;
        api.person("ann@acme.example", Role::Member).await;
        let body = json!({"email": "ann@acme.example", "password": PASSWORD});
        for (origin, status) in [
            ("https://evil.example", 403),
            ("null", 403),
            ("http://localhost:8081", 403),
            ("http://localhost:8080", 200),
        ] {
            let headers = [("origin", origin)];
            let answer = api.anyone();
            let answer = answer
                .send(Method::POST, PATH, &headers, Some(body.clone()))
                .await;
            assert_eq!(answer.status, status, "{origin}: {}", answer.json);
            if status == 403 {
                answer.refused(403, "foreign_origin");
            }
        }
    }

    #[tokio::test]
    async fn whoever_is_in_several_organizations_chooses_first() {
        let api = TestApi::new().await;
        api.person("ann@acme.example", Role::Admin).await;
        api.joins_other("ann@acme.example", Role::Viewer).await;
        let answer = sign_in(&api, "ann@acme.example", PASSWORD).await;
        let ann = api.signed_in(&answer);
        let session = answer.expect(200)["session"].clone();
        assert_eq!(session["activeOrganization"], json!(null));
        assert_eq!(session["organizations"].as_array().unwrap().len(), 2);
        let message = ann
            .get("/api/objects")
            .await
            .refused(400, "no_active_organization");
        assert!(message.starts_with("No active organization"), "{message}");
        let choose = json!({"organizationId": api.other().organization});
        let path = "/api/auth/active-organization";
        let chosen = ann.post(path, choose).await.expect(200);
        assert_eq!(
            chosen["session"]["activeOrganization"],
            api.other().organization.to_string()
        );
        ann.get("/api/objects").await.expect(200);
        ann.get("/api/members").await.refused(403, "forbidden");
    }
}
