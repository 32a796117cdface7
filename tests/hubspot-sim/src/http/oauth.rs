//! The consent page, tokens, introspection, revocation and uninstalling.
//!
//! Token calls have no budget. Version 1 takes its fields from the query too and answers without the standard's words.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use super::shell::{Head, Reply, Shell, bare, error_response, strike};
use crate::faults::Fault;
use crate::limits::Cost;
use crate::oauth::{Authorize, OAuthError, TokenRequest};

/// All routes, by their whole path.
pub fn routes() -> Router<Shell> {
    let mut router = Router::new()
        .route("/oauth/authorize", get(authorize))
        .route("/oauth/{hub_id}/authorize", get(authorize))
        .route("/oauth/v1/token", post(token_v1))
        .route("/oauth/v1/access-tokens/{token}", get(describe_v1))
        .route(
            "/oauth/v1/refresh-tokens/{token}",
            get(describe_v1).delete(forget_v1),
        );
    for version in ["v3", "2026-03", "2026-09"] {
        router = router
            .route(&format!("/oauth/{version}/token"), post(token))
            .route(
                &format!("/oauth/{version}/token/introspect"),
                post(introspect),
            )
            .route(&format!("/oauth/{version}/token/revoke"), post(revoke));
    }
    router
}

/// Routes under the path of app installations.
pub fn installs() -> Router<Shell> {
    Router::new().route("/external-install", delete(uninstall))
}

/// Form or query fields, in order.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn parse(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.clone())
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default()
    }

    fn words(&self, name: &str) -> Vec<String> {
        self.text(name)
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    }

    fn token_request(&self) -> TokenRequest {
        TokenRequest {
            grant_type: self.text("grant_type"),
            client_id: self.text("client_id"),
            client_secret: self.text("client_secret"),
            code: self.get("code"),
            redirect_uri: self.get("redirect_uri"),
            refresh_token: self.get("refresh_token"),
            scopes: self.words("scope"),
        }
    }
}

async fn authorize(State(shell): State<Shell>, RawQuery(query): RawQuery) -> Response {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let request = Authorize {
        client_id: fields.text("client_id"),
        redirect_uri: fields.text("redirect_uri"),
        scopes: fields.words("scope"),
        optional_scopes: fields.words("optional_scope"),
        state: fields.get("state"),
    };
    let now = shell.now();
    match shell.sim().authorize(&request, now) {
        Ok(target) => Redirect::to(&target).into_response(),
        Err(message) => {
            let page =
                format!("<!doctype html><title>Authorization failed</title><p>{message}</p>");
            (StatusCode::BAD_REQUEST, Html(page)).into_response()
        }
    }
}

async fn token_v1(
    State(shell): State<Shell>,
    head: Head,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let mut fields = Fields::parse(&body);
    fields
        .0
        .extend(Fields::parse(query.unwrap_or_default().as_bytes()).0);
    give_token(&shell, &head, &fields, true).await
}

async fn token(State(shell): State<Shell>, head: Head, body: Bytes) -> Response {
    give_token(&shell, &head, &Fields::parse(&body), false).await
}

async fn give_token(shell: &Shell, head: &Head, fields: &Fields, version_one: bool) -> Response {
    let now = shell.now();
    let (response, fault) = {
        let mut sim = shell.sim();
        let fault = sim.faults.draw(head.path());
        if let Some(refusal) = fault.and_then(Fault::refusal) {
            let refusal = sim.stamp(refusal);
            return error_response(&refusal, None);
        }
        let request = fields.token_request();
        let outcome = if request.grant_type == "client_credentials" {
            sim.app_token(&request, now).map(|reply| bare(200, &reply))
        } else {
            sim.token(&request, now).map(|reply| bare(200, &reply))
        };
        let response = match outcome {
            Ok(response) => response,
            Err(error) => refused(&error, &sim.correlation_id(), version_one),
        };
        (response, fault)
    };
    strike(response, fault).await
}

async fn introspect(State(shell): State<Shell>, body: Bytes) -> Response {
    let fields = Fields::parse(&body);
    // Unverified: the specification names the field `token`, the prose names it by the kind of token.
    let token = ["token", "access_token", "refresh_token"]
        .into_iter()
        .find_map(|name| fields.get(name));
    let now = shell.now();
    let mut sim = shell.sim();
    let (id, secret) = (fields.text("client_id"), fields.text("client_secret"));
    match sim.introspect(&id, &secret, &token.unwrap_or_default(), now) {
        Ok(description) => bare(200, &description),
        Err(error) => refused(&error, &sim.correlation_id(), false),
    }
}

async fn revoke(State(shell): State<Shell>, head: Head, body: Bytes) -> Response {
    let fields = Fields::parse(&body);
    let (response, fault) = {
        let mut sim = shell.sim();
        let fault = sim.faults.draw(head.path());
        if let Some(refusal) = fault.and_then(Fault::refusal) {
            let refusal = sim.stamp(refusal);
            return error_response(&refusal, None);
        }
        let (id, secret) = (fields.text("client_id"), fields.text("client_secret"));
        let response = match sim.revoke(&id, &secret, &fields.text("token")) {
            // Unverified: status and body of a successful revocation.
            Ok(()) => StatusCode::OK.into_response(),
            Err(error) => refused(&error, &sim.correlation_id(), false),
        };
        (response, fault)
    };
    strike(response, fault).await
}

async fn describe_v1(State(shell): State<Shell>, Path(token): Path<String>) -> Response {
    let now = shell.now();
    let mut sim = shell.sim();
    if let Some(description) = sim.describe(&token, now) {
        return bare(200, &description);
    }
    let id = sim.correlation_id();
    bare(
        404,
        &json!({ "status": "error", "message": "invalid token", "correlationId": id }),
    )
}

async fn forget_v1(State(shell): State<Shell>, Path(token): Path<String>) -> Response {
    shell.sim().forget_token(&token);
    StatusCode::NO_CONTENT.into_response()
}

async fn uninstall(State(shell): State<Shell>, head: Head) -> Response {
    shell
        .call(head, Cost::Other, |sim, _| {
            sim.uninstall();
            Ok(Reply::empty())
        })
        .await
}

fn refused(error: &OAuthError, correlation_id: &str, version_one: bool) -> Response {
    let mut body: Value = error.to_json(version_one);
    body["correlationId"] = correlation_id.into();
    bare(400, &body)
}
