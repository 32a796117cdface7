//! OAuth: consent, codes, tokens, and their end.
//!
//! Codes are single use and short-lived; access tokens live [`ACCESS_TOKEN_S`] seconds; a refresh token lives until it
//! is revoked, replaced or the app is removed from the portal. Scopes that the portal's tier cannot grant are dropped
//! when optional and refuse the whole installation when required.

use std::collections::HashMap;
use std::sync::Arc;

use partneros_domain::Timestamp;
use rand::RngExt;
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{Consent, RefreshMode, Tier};
use crate::errors::ApiError;
use crate::state::Sim;

/// Seconds that an access token lives.
pub const ACCESS_TOKEN_S: i64 = 1_800;
/// Milliseconds that a code may wait for its exchange.
// Unverified: documentation says only that it is short.
const CODE_LIFE_MS: i64 = 60_000;

/// The codes and tokens a portal has given out.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    codes: HashMap<String, Code>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Arc<[String]>>,
}

#[derive(Debug, Clone)]
struct Code {
    redirect_uri: String,
    scopes: Arc<[String]>,
    expires: Timestamp,
}

#[derive(Debug, Clone)]
struct Access {
    scopes: Arc<[String]>,
    expires: Timestamp,
}

/// What the consent page was opened with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorize {
    /// The app.
    pub client_id: String,
    /// Where to return to.
    pub redirect_uri: String,
    /// Scopes that the app cannot do without.
    pub scopes: Vec<String>,
    /// Scopes that it can.
    pub optional_scopes: Vec<String>,
    /// Returned unchanged.
    pub state: Option<String>,
}

/// The fields of a call to the token endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenRequest {
    /// `authorization_code`, `refresh_token` or `client_credentials`.
    pub grant_type: String,
    /// The app.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The code to exchange.
    pub code: Option<String>,
    /// The address that the code was sent to.
    pub redirect_uri: Option<String>,
    /// The token to refresh.
    pub refresh_token: Option<String>,
    /// What the app's own token is to be good for.
    pub scopes: Vec<String>,
}

/// What the token endpoint answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenReply {
    /// `bearer`.
    pub token_type: &'static str,
    /// What calls carry.
    pub access_token: String,
    /// What a refresh takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Seconds until the access token dies.
    pub expires_in: i64,
    /// The portal.
    pub hub_id: u64,
    /// What was granted.
    pub scopes: Vec<String>,
    /// `access_token`.
    pub token_use: &'static str,
    /// The person who agreed.
    pub user_id: u64,
}

/// Why an OAuth call failed. Newer versions add the standard fields to HubSpot's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    /// HubSpot's word, such as `BAD_REFRESH_TOKEN`.
    pub status: &'static str,
    /// The standard's word, such as `invalid_grant`.
    pub error: &'static str,
    /// For a person.
    pub message: String,
}

impl OAuthError {
    fn new(status: &'static str, error: &'static str, message: &str) -> Self {
        Self {
            status,
            error,
            message: message.to_owned(),
        }
    }

    /// The body, as version 1 or as later ones answer.
    pub fn to_json(&self, version_one: bool) -> Value {
        if version_one {
            json!({ "status": self.status, "message": self.message })
        } else {
            json!({
                "error": self.error,
                "error_description": self.message,
                "status": self.status,
                "message": self.message,
            })
        }
    }
}

/// The person in the portal who agrees.
const USER_ID: u64 = 9_586_504;

impl Grants {
    /// The scopes of an access token, or why it is refused.
    pub fn scopes_of(&self, token: &str, now: Timestamp) -> Result<Arc<[String]>, ApiError> {
        let Some(access) = self.access.get(token) else {
            return Err(ApiError::unauthenticated());
        };
        let late_ms = now.millis_since(access.expires);
        if late_ms < 0 {
            return Ok(access.scopes.clone());
        }
        let seconds = late_ms / 1_000;
        Err(ApiError::new(
            401,
            "EXPIRED_AUTHENTICATION",
            format!("The OAuth token used to make this call expired {seconds} second(s) ago."),
        )
        .with("expire time", vec![access.expires.to_string()]))
    }

    /// Lets every access token expire at `now`, as if time had passed.
    pub fn expire_access(&mut self, now: Timestamp) {
        for access in self.access.values_mut() {
            access.expires = access.expires.min(now);
        }
    }

    /// Forgets every token and code, as removing the app does.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Sim {
    /// The address that the consent page sends the browser to, or why it shows an error instead.
    pub fn authorize(&mut self, request: &Authorize, now: Timestamp) -> Result<String, String> {
        if request.client_id != self.config.app.client_id {
            return Err(
                "Authorization failed because no app with this client ID exists.".to_owned(),
            );
        }
        let registered = &self.config.app.redirect_uris;
        if !registered.is_empty() && !registered.contains(&request.redirect_uri) {
            return Err(
                "Authorization failed because the redirect URL doesn't match the registered one."
                    .to_owned(),
            );
        }
        let mut target = url::Url::parse(&request.redirect_uri).map_err(|_| {
            "Authorization failed because the redirect URL is not valid.".to_owned()
        })?;
        if request.scopes.iter().any(|scope| !self.grants_scope(scope)) {
            return Err("This account doesn't have access to some HubSpot features that are required by this app.".to_owned());
        }
        let mut query = target.query_pairs_mut();
        match self.config.consent {
            // Unverified: the exact values of a denial.
            Consent::Deny => {
                query.append_pair("error", "access_denied");
                query.append_pair("error_description", "The user denied access");
            }
            Consent::Approve => {
                let mut scopes = request.scopes.clone();
                let optional = request
                    .optional_scopes
                    .iter()
                    .filter(|scope| self.grants_scope(scope));
                scopes.extend(optional.cloned());
                scopes.push("oauth".to_owned());
                scopes.sort();
                scopes.dedup();
                let code = format!("na1-{}", self.token_text(4));
                query.append_pair("code", &code);
                let expires = now.plus_millis(CODE_LIFE_MS);
                let redirect_uri = request.redirect_uri.clone();
                self.grants.codes.insert(
                    code,
                    Code {
                        redirect_uri,
                        scopes: scopes.into(),
                        expires,
                    },
                );
            }
        }
        if let Some(state) = &request.state {
            query.append_pair("state", state);
        }
        drop(query);
        Ok(target.into())
    }

    /// Exchanges a code or refreshes a token.
    pub fn token(
        &mut self,
        request: &TokenRequest,
        now: Timestamp,
    ) -> Result<TokenReply, OAuthError> {
        self.check_client(&request.client_id, &request.client_secret)?;
        match request.grant_type.as_str() {
            "authorization_code" => self.exchange(request, now),
            "refresh_token" => self.refresh(request, now),
            _ => Err(OAuthError::new(
                "BAD_GRANT_TYPE",
                "unsupported_grant_type",
                "missing or unknown grant type",
            )),
        }
    }

    /// Gives the app a token of its own, which is of no portal and opens the journal only.
    // Unverified: scopes that the app does not have are left out instead of refused.
    pub fn app_token(
        &mut self,
        request: &TokenRequest,
        now: Timestamp,
    ) -> Result<Value, OAuthError> {
        self.check_client(&request.client_id, &request.client_secret)?;
        let withheld = &self.journal.withheld;
        let granted = request
            .scopes
            .iter()
            .filter(|scope| !withheld.contains(scope));
        let granted = granted.cloned().collect();
        let token = format!("CApp{}", self.token_text(19));
        let expires = now.plus_millis(ACCESS_TOKEN_S * 1_000);
        self.journal.keep_token(token.clone(), granted, expires);
        Ok(json!({
            "token_type": "bearer",
            "access_token": token,
            "expires_in": ACCESS_TOKEN_S,
            "token_use": "client_credentials",
        }))
    }

    /// What HubSpot says of a token.
    pub fn introspect(
        &mut self,
        client_id: &str,
        client_secret: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Value, OAuthError> {
        self.check_client(client_id, client_secret)?;
        Ok(self
            .describe(token, now)
            .unwrap_or_else(|| json!({ "active": false })))
    }

    /// What HubSpot says of a live token, without asking who wants to know.
    pub fn describe(&self, token: &str, now: Timestamp) -> Option<Value> {
        let common = |scopes: &[String], token_use: &str| {
            json!({
                "active": true,
                "token": token,
                "hub_id": self.config.hub_id,
                "user_id": USER_ID,
                "client_id": self.config.app.client_id,
                "app_id": self.config.app.app_id,
                "user": "amara.okafor@partner-sales.example",
                "hub_domain": "partner-sales.example",
                "scopes": scopes,
                "is_private_distribution": false,
                "token_use": token_use,
                "token_type": "Bearer",
            })
        };
        if let Some(scopes) = self.grants.refresh.get(token) {
            return Some(common(scopes, "refresh_token"));
        }
        let access = self.grants.access.get(token)?;
        let left_ms = access.expires.millis_since(now);
        let mut json = common(&access.scopes, "access_token");
        json["expires_in"] = (left_ms / 1_000).into();
        (left_ms > 0).then_some(json)
    }

    /// Revokes a token. Access tokens that came from a refresh token live on until they expire.
    pub fn revoke(
        &mut self,
        client_id: &str,
        client_secret: &str,
        token: &str,
    ) -> Result<(), OAuthError> {
        self.check_client(client_id, client_secret)?;
        self.forget_token(token);
        Ok(())
    }

    /// Forgets one token.
    pub fn forget_token(&mut self, token: &str) {
        self.grants.refresh.remove(token);
        self.grants.access.remove(token);
    }

    /// Removes the app from the portal: every token dies at once.
    pub fn uninstall(&mut self) {
        self.grants.clear();
    }

    /// Installs the app without a browser: a fresh pair of tokens with `scopes`.
    pub fn install(&mut self, scopes: &[&str], now: Timestamp) -> TokenReply {
        let scopes: Arc<[String]> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let refresh_token = self.new_refresh_token(&scopes);
        self.reply(&scopes, Some(refresh_token), now)
    }

    fn exchange(
        &mut self,
        request: &TokenRequest,
        now: Timestamp,
    ) -> Result<TokenReply, OAuthError> {
        let given = request.code.as_deref().unwrap_or_default();
        // Unverified: the texts of these refusals.
        let Some(code) = self.grants.codes.remove(given) else {
            return Err(OAuthError::new(
                "BAD_AUTH_CODE",
                "invalid_grant",
                "missing or unknown auth code",
            ));
        };
        if code.expires < now {
            return Err(OAuthError::new(
                "EXPIRED_AUTH_CODE",
                "invalid_grant",
                "auth code has expired",
            ));
        }
        if request.redirect_uri.as_deref() != Some(code.redirect_uri.as_str()) {
            return Err(OAuthError::new(
                "MISMATCH_REDIRECT_URI_AUTH_CODE",
                "invalid_grant",
                "redirect URI does not match the auth code's",
            ));
        }
        let refresh_token = self.new_refresh_token(&code.scopes);
        Ok(self.reply(&code.scopes, Some(refresh_token), now))
    }

    fn refresh(
        &mut self,
        request: &TokenRequest,
        now: Timestamp,
    ) -> Result<TokenReply, OAuthError> {
        let given = request.refresh_token.as_deref().unwrap_or_default();
        let Some(scopes) = self.grants.refresh.get(given).cloned() else {
            return Err(OAuthError::new(
                "BAD_REFRESH_TOKEN",
                "invalid_grant",
                "refresh token is invalid, expired or revoked",
            ));
        };
        let refresh_token = match self.config.refresh {
            RefreshMode::Same => Some(given.to_owned()),
            RefreshMode::Missing => None,
            RefreshMode::Rotate => {
                self.grants.refresh.remove(given);
                Some(self.new_refresh_token(&scopes))
            }
        };
        Ok(self.reply(&scopes, refresh_token, now))
    }

    fn reply(
        &mut self,
        scopes: &Arc<[String]>,
        refresh_token: Option<String>,
        now: Timestamp,
    ) -> TokenReply {
        let access_token = format!("CNqp{}", self.token_text(19));
        let expires = now.plus_millis(ACCESS_TOKEN_S * 1_000);
        self.grants.access.insert(
            access_token.clone(),
            Access {
                scopes: scopes.clone(),
                expires,
            },
        );
        TokenReply {
            token_type: "bearer",
            access_token,
            refresh_token,
            expires_in: ACCESS_TOKEN_S,
            hub_id: self.config.hub_id,
            scopes: scopes.to_vec(),
            token_use: "access_token",
            user_id: USER_ID,
        }
    }

    fn new_refresh_token(&mut self, scopes: &Arc<[String]>) -> String {
        let token = format!("na1-{}", self.token_text(2));
        self.grants.refresh.insert(token.clone(), scopes.clone());
        token
    }

    fn token_text(&mut self, words: usize) -> String {
        (0..words).fold(String::new(), |text, _| {
            format!("{text}{:016x}", self.rng.random::<u64>())
        })
    }

    fn check_client(&self, client_id: &str, client_secret: &str) -> Result<(), OAuthError> {
        // Unverified: status and text.
        if client_id != self.config.app.client_id {
            return Err(OAuthError::new(
                "BAD_CLIENT_ID",
                "invalid_client",
                "missing or unknown client id",
            ));
        }
        if client_secret != self.config.app.client_secret {
            return Err(OAuthError::new(
                "BAD_CLIENT_SECRET",
                "invalid_client",
                "missing or invalid client secret",
            ));
        }
        Ok(())
    }

    fn grants_scope(&self, scope: &str) -> bool {
        let enterprise_only =
            scope.starts_with("crm.objects.custom") || scope.starts_with("crm.schemas.custom");
        !enterprise_only || self.config.tier == Tier::Enterprise
    }
}
