//! The access tokens of a connection: kept in memory, renewed ahead of expiry and after a 401, stored sealed.
//!
//! One refresh at a time: tasks of this process wait for one another, other processes are noticed by the generation that
//! the stored tokens count. The refresh token that HubSpot answers with is stored before it is used, and the one before
//! it is kept until the new one has worked.

use std::sync::Arc;

use async_trait::async_trait;
use partneros_domain::{ConnectionId, EventType, OrganizationId};
use partneros_hubspot::{AccessTokens, Error, OAuth, TokenKind};
use partneros_store::{ConnectionStatus, Store, TokenSet};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::engine::describe;
use crate::environment::Environment;
use crate::mistakes::{Mistake, made};
use crate::trail;

/// How long before its end an access token is renewed. HubSpot's last 30 minutes.
const MARGIN_MS: i64 = 120_000;

/// The tokens of one connection.
pub struct ConnectionTokens {
    organization: OrganizationId,
    connection: ConnectionId,
    store: Arc<dyn Store>,
    oauth: Option<Arc<OAuth>>,
    environment: Arc<dyn Environment>,
    current: Arc<Mutex<Option<TokenSet>>>,
}

impl ConnectionTokens {
    /// The tokens of a connection. Without `oauth` they are used as they are, as a private app's are.
    pub fn new(
        organization: OrganizationId,
        connection: ConnectionId,
        store: Arc<dyn Store>,
        oauth: Option<Arc<OAuth>>,
        environment: Arc<dyn Environment>,
    ) -> Self {
        Self {
            organization,
            connection,
            store,
            oauth,
            environment,
            current: Arc::default(),
        }
    }

    /// Waits until nothing renews the tokens, and holds that off.
    pub async fn hold(&self) -> OwnedMutexGuard<Option<TokenSet>> {
        Arc::clone(&self.current).lock_owned().await
    }

    async fn load(&self) -> Result<TokenSet, Error> {
        self.store
            .connection_tokens(self.organization, self.connection)
            .await
            .map_err(from_store)
    }

    fn is_fresh(&self, tokens: &TokenSet) -> bool {
        let now = self.environment.now();
        tokens.refresh.is_none()
            || tokens
                .access_expires_at
                .is_none_or(|end| end.millis_since(now) > MARGIN_MS)
    }

    /// Replaces `stored` by fresh tokens. Another process that was faster wins, and its tokens are returned.
    async fn refresh(&self, stored: TokenSet) -> Result<TokenSet, Error> {
        let (Some(oauth), Some(refresh)) = (&self.oauth, &stored.refresh) else {
            return Ok(stored);
        };
        let (granted, used) = match oauth.refresh(refresh).await {
            Ok(granted) => (granted, refresh.clone()),
            Err(error @ Error::ReauthRequired(_)) => {
                // A rotation whose answer was stored but never took effect leaves the old one alive.
                let Some(previous) = &stored.refresh_previous else {
                    return self.superseded(&stored, error).await;
                };
                match oauth.refresh(previous).await {
                    Ok(granted) => (granted, previous.clone()),
                    Err(error) => return self.superseded(&stored, error).await,
                }
            }
            Err(error) => return Err(error),
        };
        let expires_in = granted.expires_in();
        let lifetime_ms = i64::try_from(expires_in.as_millis()).unwrap_or(0);
        let missing = granted.refresh_token.is_none();
        let rotated = granted.refresh_token.filter(|new| {
            !new.expose_secret().is_empty() && new.expose_secret() != used.expose_secret()
        });
        let (refresh, refresh_previous) = match rotated {
            Some(new) => (new, Some(used)),
            None => (used, None),
        };
        let lost = missing && made(Mistake::RefreshForgotten);
        let tokens = TokenSet {
            access: granted.access_token,
            access_expires_at: Some(self.environment.now().plus_millis(lifetime_ms)),
            refresh: (!lost).then_some(refresh),
            refresh_previous,
            generation: stored.generation + 1,
        };
        let replaced = self
            .store
            .replace_tokens(
                self.organization,
                self.connection,
                stored.generation,
                &tokens,
            )
            .await
            .map_err(from_store)?;
        if replaced {
            let rotated = tokens.refresh_previous.is_some();
            let metadata = json!({"expiresInSeconds": expires_in.as_secs(), "rotated": rotated});
            self.note(EventType::TokenRefreshed, metadata).await;
            return Ok(tokens);
        }
        self.revoke_if_ended(oauth, tokens.refresh.as_ref()).await;
        self.load().await
    }

    /// Revokes a token that was granted for a connection which another process has ended meanwhile: nobody knows it but HubSpot
    /// and the caller.
    async fn revoke_if_ended(&self, oauth: &OAuth, granted: Option<&SecretString>) {
        let found = self.store.connection(self.organization, self.connection);
        let is_ended = found
            .await
            .is_ok_and(|found| found.status == ConnectionStatus::Disconnected);
        let Some(granted) = granted.filter(|_| is_ended) else {
            return;
        };
        if let Err(error) = oauth.revoke(granted, TokenKind::Refresh).await {
            tracing::warn!(
                connection.id = %self.connection, error = describe(&error),
                "a token of an ended connection was not revoked"
            );
        }
    }

    async fn note(&self, event: EventType, metadata: Json) {
        let (store, environment) = (self.store.as_ref(), self.environment.as_ref());
        let of = (self.organization, self.connection);
        trail::note_tokens(store, environment, of, event, metadata).await;
    }

    /// A dead refresh token is final, unless another process has replaced it meanwhile.
    async fn superseded(&self, tried: &TokenSet, error: Error) -> Result<TokenSet, Error> {
        let stored = self.load().await?;
        if stored.generation == tried.generation {
            let metadata = json!({"error": describe(&error), "httpStatus": error.status()});
            self.note(EventType::TokenRefreshFailed, metadata).await;
            Err(error)
        } else {
            Ok(stored)
        }
    }
}

impl std::fmt::Debug for ConnectionTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionTokens")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl AccessTokens for ConnectionTokens {
    async fn access_token(&self) -> Result<SecretString, Error> {
        let mut current = self.current.lock().await;
        if let Some(tokens) = current.as_ref().filter(|tokens| self.is_fresh(tokens)) {
            return Ok(tokens.access.clone());
        }
        let mut tokens = self.load().await?;
        if !self.is_fresh(&tokens) {
            tokens = self.refresh(tokens).await?;
        }
        Ok(current.insert(tokens).access.clone())
    }

    async fn renewed(&self, refused: &SecretString) -> Result<SecretString, Error> {
        let mut current = self.current.lock().await;
        let mut tokens = self.load().await?;
        if tokens.access.expose_secret() == refused.expose_secret() {
            tokens = self.refresh(tokens).await?;
        }
        Ok(current.insert(tokens).access.clone())
    }
}

/// The store's error, if tokens could not be had because what is stored does not open: a person must do something.
pub fn unopened(error: &Error) -> Option<&partneros_store::Error> {
    let Error::Tokens(source) = error else {
        return None;
    };
    let stored = source.downcast_ref::<partneros_store::Error>()?;
    matches!(stored, partneros_store::Error::Sealed { .. }).then_some(stored)
}

fn from_store(error: partneros_store::Error) -> Error {
    Error::Tokens(Box::new(error))
}
