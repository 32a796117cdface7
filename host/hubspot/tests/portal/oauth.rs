//! The token endpoints.

use partneros_hubspot::{Error, Http, HttpConfig, OAuth, OAuthConfig, TokenKind};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::server::{Server, html, json as reply, retry};

const CLIENT_SECRET: &str = "client-secret-1";
const REFRESH_TOKEN: &str = "na1-refresh-token-1";

fn oauth(server: &Server) -> OAuth {
    let mut config = OAuthConfig::new(
        "client-1",
        SecretString::from(CLIENT_SECRET.to_owned()),
        "https://host.example/api/hubspot/callback?x=1",
    );
    config.api_base = server.base.clone();
    config.retry = retry();
    OAuth::new(Http::new(&HttpConfig::default()).unwrap(), config)
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

#[tokio::test]
async fn the_authorize_address_asks_for_the_scopes() {
    let server = Server::always(200, json!({})).await;
    let url = oauth(&server).authorize_url("state&1");
    assert_eq!(
        (url.host_str(), url.path()),
        (Some("app.hubspot.com"), "/oauth/authorize")
    );
    let query: Vec<_> = url.query_pairs().into_owned().collect();
    insta::assert_debug_snapshot!(query, @r#"
    [
        (
            "client_id",
            "client-1",
        ),
        (
            "redirect_uri",
            "https://host.example/api/hubspot/callback?x=1",
        ),
        (
            "scope",
            "oauth crm.objects.companies.read crm.objects.companies.write crm.schemas.companies.read crm.schemas.companies.write crm.objects.contacts.read crm.objects.contacts.write crm.schemas.contacts.read crm.schemas.contacts.write crm.objects.deals.read crm.objects.deals.write crm.schemas.deals.read crm.schemas.deals.write crm.objects.owners.read",
        ),
        (
            "optional_scope",
            "crm.objects.custom.read crm.objects.custom.write crm.schemas.custom.read crm.schemas.custom.write",
        ),
        (
            "state",
            "state&1",
        ),
    ]
    "#);
}

#[tokio::test]
async fn a_code_is_exchanged_in_the_body() {
    let server = Server::always(
        200,
        json!({"token_type": "bearer", "refresh_token": REFRESH_TOKEN, "access_token": "access-1", "hub_id": 1_234_567,
            "scopes": ["oauth", "crm.objects.contacts.read"], "expires_in": 1_800}),
    )
    .await;
    let tokens = oauth(&server)
        .exchange_code(&secret("na1-code"))
        .await
        .unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "access-1");
    assert_eq!(
        (tokens.hub_id, tokens.expires_in().as_secs()),
        (Some(1_234_567), 1_800)
    );
    assert!(!format!("{tokens:?}").contains("access-1"));
    let request = server.requests().remove(0);
    assert_eq!(
        (request.path.as_str(), request.query.as_str()),
        ("/oauth/2026-03/token", "")
    );
    assert_eq!(
        request.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        request.body,
        "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fhost.example%2Fapi%2Fhubspot%2Fcallback%3Fx%3D1\
         &code=na1-code&client_id=client-1&client_secret=client-secret-1"
    );
}

#[tokio::test]
async fn a_code_is_tried_once() {
    let server = Server::start(|_, _| html(502, "<html>")).await;
    let error = oauth(&server)
        .exchange_code(&secret("na1-code"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_refresh_needs_no_more_than_the_token_and_its_lifetime() {
    let server = Server::start(|_, before| match before {
        0 => html(503, "<html>"),
        _ => reply(200, &json!({"access_token": "access-2", "expires_in": 60})),
    })
    .await;
    let tokens = oauth(&server)
        .refresh(&secret(REFRESH_TOKEN))
        .await
        .unwrap();
    assert!(tokens.refresh_token.is_none() && tokens.scopes.is_empty());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn only_a_dead_refresh_token_asks_for_a_person() {
    let dead = json!({"error": "invalid_grant", "status": "BAD_REFRESH_TOKEN", "message": "refresh token is invalid, expired or revoked"});
    let limited = json!({"message": "You have reached your secondly limit."});
    for (status, body, needs_person, calls) in [
        (400, dead, true, 1),
        (429, limited, false, 3),
        (500, json!({}), false, 3),
    ] {
        let server = Server::always(status, body).await;
        let error = oauth(&server)
            .refresh(&secret(REFRESH_TOKEN))
            .await
            .unwrap_err();
        assert_eq!(
            matches!(error, Error::ReauthRequired(_)),
            needs_person,
            "{error}"
        );
        assert_eq!(error.is_transient(), !needs_person);
        assert_eq!(server.requests().len(), calls);
    }
}

#[tokio::test]
async fn secrets_that_a_server_repeats_are_blanked_out() {
    let server = Server::start(|request, _| {
        reply(
            400,
            &json!({"status": "BAD_CLIENT_SECRET", "message": request.body}),
        )
    })
    .await;
    let oauth = oauth(&server);
    let error = oauth.refresh(&secret(REFRESH_TOKEN)).await.unwrap_err();
    let shown = format!("{error} {error:?} {oauth:?}");
    assert!(shown.contains("client_secret=[redacted]"), "{shown}");
    assert!(
        !shown.contains(CLIENT_SECRET) && !shown.contains(REFRESH_TOKEN),
        "{shown}"
    );
}

#[tokio::test]
async fn tokens_are_introspected_revoked_and_the_app_uninstalled() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/oauth/2026-03/token/introspect" => reply(
            200,
            &json!({"active": true, "hub_id": 7, "user": "a@example.com", "scopes": ["oauth"], "expires_in": 12, "app_id": 3}),
        ),
        "/oauth/2026-03/token/revoke" => html(200, ""),
        _ => html(204, ""),
    })
    .await;
    let oauth = oauth(&server);
    let told = oauth
        .introspect(&secret("access-1"), TokenKind::Access)
        .await
        .unwrap();
    assert_eq!(
        (told.active, told.hub_id, told.expires_in_s),
        (true, Some(7), Some(12))
    );
    oauth
        .revoke(&secret(REFRESH_TOKEN), TokenKind::Refresh)
        .await
        .unwrap();
    oauth.uninstall(&secret("access-1")).await.unwrap();
    let requests = server.requests();
    assert_eq!(
        requests[1].body,
        "token=na1-refresh-token-1&token_type_hint=refresh_token&client_id=client-1&client_secret=client-secret-1"
    );
    let last = &requests[2];
    assert_eq!(
        (last.method.as_str(), last.path.as_str()),
        ("DELETE", "/appinstalls/2026-03/external-install")
    );
    assert_eq!(last.header("authorization"), "Bearer access-1");
}
