//! OAuth with HubSpot: the address that a person is sent to, and the token endpoints.
//!
//! Four form posts need no OAuth crate: HubSpot's errors, its own fields and its missing ones take more code to fit into
//! the `oauth2` crate's types than the posts themselves. Nothing is stored here; whoever calls keeps tokens sealed and
//! sees to it that a connection is refreshed by one task at a time.
//!
//! Invariant: codes, tokens and the client secret leave only in a request's body and appear in no error, event or
//! `Debug` output.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use crate::call::{Jitter, bearer, observe, unreadable};
use crate::error::Error;
use crate::http::Http;
use crate::paths::{API_BASE, ApiVersion, Paths};
use crate::refusal;
use crate::retry::RetryConfig;

/// Where people authorise apps.
pub const AUTHORIZE_BASE: &str = "https://app.hubspot.com";

/// An app as registered with HubSpot, and where HubSpot is.
#[derive(Debug, Clone)]
pub struct OAuthConfig {
    /// The app's client id.
    pub client_id: String,
    /// The app's client secret.
    pub client_secret: SecretString,
    /// Where HubSpot sends people back to; one of those registered.
    pub redirect_uri: String,
    /// Scopes without which the app cannot be installed. Must cover all that the app's registration requires.
    pub scopes: Vec<String>,
    /// Scopes that HubSpot leaves out where a portal's tier lacks them. What was granted is in [`Tokens::scopes`].
    pub optional_scopes: Vec<String>,
    /// Where people authorise. Default [`AUTHORIZE_BASE`].
    pub authorize_base: Url,
    /// Where the API is. Default [`API_BASE`].
    pub api_base: Url,
    /// The version of the token endpoints. Default [`ApiVersion::V2026_03`]; version 1 stops in February 2027.
    pub version: ApiVersion,
    /// How failures are retried.
    pub retry: RetryConfig,
    /// Where the jitter of retries starts. Default 0.
    pub jitter_seed: u64,
}

/// The scopes that every sync needs: to read and write companies, contacts and deals and their properties, and to read owners.
pub fn required_scopes() -> Vec<String> {
    let mut scopes = vec!["oauth".to_owned()];
    for object in ["companies", "contacts", "deals"] {
        for area in ["objects", "schemas"] {
            scopes.push(format!("crm.{area}.{object}.read"));
            scopes.push(format!("crm.{area}.{object}.write"));
        }
    }
    scopes.push("crm.objects.owners.read".to_owned());
    scopes
}

impl OAuthConfig {
    /// An app with the defaults and this product's scopes: to read and write companies, contacts and deals and their
    /// properties, and, where the portal has them, custom objects.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: SecretString,
        redirect_uri: impl Into<String>,
    ) -> Self {
        let optional = [
            "crm.objects.custom.read",
            "crm.objects.custom.write",
            "crm.schemas.custom.read",
            "crm.schemas.custom.write",
        ];
        Self {
            client_id: client_id.into(),
            client_secret,
            redirect_uri: redirect_uri.into(),
            scopes: required_scopes(),
            optional_scopes: optional.map(str::to_owned).to_vec(),
            authorize_base: Url::parse(AUTHORIZE_BASE).expect("a constant address is valid"),
            api_base: Url::parse(API_BASE).expect("a constant address is valid"),
            version: ApiVersion::V2026_03,
            retry: RetryConfig::default(),
            jitter_seed: 0,
        }
    }
}

/// What HubSpot grants. Only the access token and its lifetime are certain to be there.
#[derive(Debug, Clone, Deserialize)]
pub struct Tokens {
    /// For API calls.
    pub access_token: SecretString,
    /// For the next refresh. May be missing (keep the old one), the same, or a new one (store it before the old goes).
    #[serde(default)]
    pub refresh_token: Option<SecretString>,
    /// How long the access token works, in seconds.
    #[serde(rename = "expires_in")]
    pub expires_in_s: u64,
    /// The portal.
    #[serde(default)]
    pub hub_id: Option<i64>,
    /// The person who authorised it.
    #[serde(default)]
    pub user_id: Option<i64>,
    /// What was granted; may be empty where HubSpot does not say, then [`OAuth::introspect`] does.
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl Tokens {
    /// How long the access token works from when it was granted.
    pub const fn expires_in(&self) -> Duration {
        Duration::from_secs(self.expires_in_s)
    }
}

/// What HubSpot says of a token.
#[derive(Debug, Clone, Deserialize)]
pub struct Introspection {
    /// Whether it works.
    #[serde(default)]
    pub active: bool,
    /// The portal.
    #[serde(default)]
    pub hub_id: Option<i64>,
    /// The portal's domain, such as `example.com`.
    #[serde(default)]
    pub hub_domain: Option<String>,
    /// The person's id.
    #[serde(default)]
    pub user_id: Option<i64>,
    /// The person's address.
    #[serde(default)]
    pub user: Option<String>,
    /// The app.
    #[serde(default)]
    pub app_id: Option<i64>,
    /// What was granted.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// How long an access token still works, in seconds.
    #[serde(default, rename = "expires_in")]
    pub expires_in_s: Option<u64>,
}

/// Which kind of token is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// For API calls.
    Access,
    /// For refreshes.
    Refresh,
}

impl TokenKind {
    const fn hint(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
        }
    }
}

/// The OAuth side of an app.
#[derive(Debug)]
pub struct OAuth {
    http: Http,
    paths: Paths,
    jitter: Jitter,
    config: OAuthConfig,
}

impl OAuth {
    /// The OAuth side of `config`'s app, over a shared connection pool.
    pub fn new(http: Http, config: OAuthConfig) -> Self {
        Self {
            http,
            paths: Paths::new(config.api_base.clone(), config.version),
            jitter: Jitter::new(config.jitter_seed),
            config,
        }
    }

    /// Where to send a person to authorise the app. `state` comes back with the code and must be bound to their browser.
    pub fn authorize_url(&self, state: &str) -> Url {
        let mut url = self.config.authorize_base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["oauth", "authorize"]);
        }
        let mut query = url.query_pairs_mut();
        query
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.config.redirect_uri)
            .append_pair("scope", &self.config.scopes.join(" "));
        if !self.config.optional_scopes.is_empty() {
            query.append_pair("optional_scope", &self.config.optional_scopes.join(" "));
        }
        query.append_pair("state", state);
        drop(query);
        url
    }

    /// Exchanges the code that a person brought back. Not retried: a code works once, and the person is there to try
    /// again.
    ///
    /// Fails with [`Error::ReauthRequired`] or [`Error::Validation`] for a code that is used, expired or of another
    /// address.
    pub async fn exchange_code(&self, code: &SecretString) -> Result<Tokens, Error> {
        let form = [
            ("grant_type", "authorization_code"),
            ("redirect_uri", self.config.redirect_uri.as_str()),
            ("code", code.expose_secret()),
        ];
        self.post(&["token"], &form, 1, decode).await
    }

    /// Gets a new access token.
    ///
    /// Fails with [`Error::ReauthRequired`] when the refresh token is dead; other errors say nothing about it.
    pub async fn refresh(&self, refresh_token: &SecretString) -> Result<Tokens, Error> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        self.post(&["token"], &form, self.config.retry.attempts_max, decode)
            .await
    }

    /// Gets a token of the app itself, which is of no portal.
    ///
    /// Fails with [`Error::Validation`] for an app or a secret that HubSpot does not know.
    pub async fn app_token(&self, scopes: &[&str]) -> Result<Tokens, Error> {
        let scope = scopes.join(" ");
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", scope.as_str()),
        ];
        self.post(&["token"], &form, self.config.retry.attempts_max, decode)
            .await
    }

    /// Asks what a token is good for.
    pub async fn introspect(
        &self,
        token: &SecretString,
        kind: TokenKind,
    ) -> Result<Introspection, Error> {
        let form = [
            ("token", token.expose_secret()),
            ("token_type_hint", kind.hint()),
        ];
        let attempts_max = self.config.retry.attempts_max;
        self.post(&["token", "introspect"], &form, attempts_max, decode)
            .await
    }

    /// Revokes a token. Access tokens granted earlier may work until they expire.
    pub async fn revoke(&self, token: &SecretString, kind: TokenKind) -> Result<(), Error> {
        let form = [
            ("token", token.expose_secret()),
            ("token_type_hint", kind.hint()),
        ];
        let attempts_max = self.config.retry.attempts_max;
        self.post(&["token", "revoke"], &form, attempts_max, |_| Ok(()))
            .await
    }

    /// Removes the app from the portal of this access token. HubSpot tells the customer by mail.
    pub async fn uninstall(&self, access_token: &SecretString) -> Result<(), Error> {
        let url = self.paths.external_install();
        let authorization = bearer(access_token, &url)?;
        let request = || {
            self.http
                .request(Method::DELETE, url.clone())
                .header(AUTHORIZATION, authorization.clone())
        };
        let secrets = [access_token.expose_secret()];
        let attempts_max = self.config.retry.attempts_max;
        self.attempts("DELETE", &url, request, &secrets, attempts_max, |_| Ok(()))
            .await
    }

    async fn post<T>(
        &self,
        path: &[&str],
        form: &[(&str, &str)],
        attempts_max: u32,
        read: impl Fn(&[u8]) -> Result<T, serde_json::Error>,
    ) -> Result<T, Error> {
        let client_secret = self.config.client_secret.expose_secret();
        let mut form = form.to_vec();
        form.push(("client_id", &self.config.client_id));
        form.push(("client_secret", client_secret));
        let secrets: Vec<_> = form
            .iter()
            .filter(|(name, _)| {
                matches!(*name, "client_secret" | "code" | "token" | "refresh_token")
            })
            .map(|(_, value)| *value)
            .collect();
        let url = self.paths.oauth(path);
        let request = || self.http.request(Method::POST, url.clone()).form(&form);
        self.attempts("POST", &url, request, &secrets, attempts_max, read)
            .await
    }

    async fn attempts<T>(
        &self,
        method: &str,
        url: &Url,
        request: impl Fn() -> reqwest::RequestBuilder,
        secrets: &[&str],
        attempts_max: u32,
        read: impl Fn(&[u8]) -> Result<T, serde_json::Error>,
    ) -> Result<T, Error> {
        let began = Instant::now();
        let mut attempt = 1;
        loop {
            let sent = Instant::now();
            let outcome = self.http.send(request(), url).await;
            observe(method, url, &outcome, sent.elapsed());
            let error = match outcome {
                Ok(answer) if (200..300).contains(&answer.status) => match read(&answer.body) {
                    Ok(value) => return Ok(value),
                    Err(error) => unreadable(url, &answer.body, &error, secrets),
                },
                Ok(answer) => refusal::failure(&answer, secrets).error,
                Err(error) => error,
            };
            let spread = self.jitter.spread();
            let wait = self
                .config
                .retry
                .wait(&error, attempt, began.elapsed(), spread);
            let Some(wait) = wait.filter(|_| attempt < attempts_max) else {
                return Err(error);
            };
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body)
}
