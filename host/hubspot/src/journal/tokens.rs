//! The token of the app itself: kept in memory only, got anew before its end and after a 401.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::access::AccessTokens;
use crate::error::Error;
use crate::oauth::OAuth;

/// What the token is asked to be good for. HubSpot wants the scopes of the objects that are subscribed to as well; these
/// are those that the app has anyway.
pub const JOURNAL_SCOPES: [&str; 6] = [
    "developer.webhooks_journal.read",
    "developer.webhooks_journal.subscriptions.read",
    "developer.webhooks_journal.subscriptions.write",
    "crm.objects.companies.read",
    "crm.objects.contacts.read",
    "crm.objects.deals.read",
];

/// How long before its end a token is replaced. HubSpot's last 30 minutes.
const MARGIN: Duration = Duration::from_mins(2);

/// The tokens of an app.
pub(super) struct AppTokens {
    oauth: Arc<OAuth>,
    current: Mutex<Option<Held>>,
}

struct Held {
    token: SecretString,
    until: Instant,
}

impl AppTokens {
    pub(super) fn new(oauth: Arc<OAuth>) -> Self {
        Self {
            oauth,
            current: Mutex::new(None),
        }
    }

    async fn granted(&self) -> Result<Held, Error> {
        let asked = Instant::now();
        let granted = self.oauth.app_token(&JOURNAL_SCOPES).await;
        let granted = granted.map_err(|error| match error {
            // The token endpoint refuses an unknown id, a wrong secret and unknown scopes as it refuses a bad form.
            Error::Validation(refusal) => Error::Unauthorized(refusal),
            error => error,
        })?;
        Ok(Held {
            until: asked + granted.expires_in().saturating_sub(MARGIN),
            token: granted.access_token,
        })
    }
}

#[async_trait]
impl AccessTokens for AppTokens {
    async fn access_token(&self) -> Result<SecretString, Error> {
        let mut current = self.current.lock().await;
        match current.as_ref() {
            Some(held) if held.until > Instant::now() => Ok(held.token.clone()),
            _ => Ok(current.insert(self.granted().await?).token.clone()),
        }
    }

    async fn renewed(&self, refused: &SecretString) -> Result<SecretString, Error> {
        let mut current = self.current.lock().await;
        match current.as_ref() {
            Some(held) if held.token.expose_secret() != refused.expose_secret() => {
                Ok(held.token.clone())
            }
            _ => Ok(current.insert(self.granted().await?).token.clone()),
        }
    }
}
