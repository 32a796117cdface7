//! The connect flow over HubSpot's OAuth.

use std::sync::Arc;

use async_trait::async_trait;
use partneros_hubspot::{Error, OAuth, TokenKind};
use partneros_store::TokenSet;
use secrecy::SecretString;
use url::Url;

use crate::state::{ConnectError, ConnectFlow, Ending, Granted};

/// Connects portals to the configured app.
#[derive(Debug)]
pub(crate) struct OAuthConnect(pub(crate) Arc<OAuth>);

#[async_trait]
impl ConnectFlow for OAuthConnect {
    fn authorize_url(&self, state: &str) -> Url {
        self.0.authorize_url(state)
    }

    /// HubSpot may leave the portal and the scopes out of its answer; then it is asked what the token is good for.
    async fn exchange(&self, code: &SecretString) -> Result<Granted, ConnectError> {
        let tokens = self
            .0
            .exchange_code(code)
            .await
            .map_err(ConnectError::Exchange)?;
        let (mut portal_id, mut scopes) = (tokens.hub_id, tokens.scopes.clone());
        if portal_id.is_none() || scopes.is_empty() {
            let known = self
                .0
                .introspect(&tokens.access_token, TokenKind::Access)
                .await;
            let known = known.map_err(ConnectError::Exchange)?;
            portal_id = portal_id.or(known.hub_id);
            if scopes.is_empty() {
                scopes = known.scopes;
            }
        }
        Ok(Granted {
            portal_id: portal_id.ok_or(ConnectError::NoPortal)?,
            scopes,
            expires_in: tokens.expires_in(),
            access: tokens.access_token,
            refresh: tokens.refresh_token,
        })
    }

    /// Removing the app ends all tokens by itself. Where it is not removed they are revoked, one after the other.
    async fn end(&self, tokens: &TokenSet, uninstall: bool) -> Ending {
        let mut refresh = tokens.refresh.clone();
        let uninstalled = if uninstall {
            Some(self.uninstall(&tokens.access, &mut refresh).await)
        } else {
            None
        };
        if let Some(Ok(())) = uninstalled {
            return Ending {
                revoked: Ok(()),
                uninstalled,
            };
        }
        let mut revoked = Ok(());
        for token in refresh.iter().chain(&tokens.refresh_previous) {
            match self.0.revoke(token, TokenKind::Refresh).await {
                // One that HubSpot does not know any more is as good as revoked.
                Ok(()) | Err(Error::ReauthRequired(_)) => {}
                // Nor would it answer about the other one.
                Err(error) => {
                    revoked = Err(error);
                    break;
                }
            }
        }
        Ending {
            revoked,
            uninstalled,
        }
    }
}

impl OAuthConnect {
    /// Removes the app. An access token that expired is renewed first; `refresh` is then the refresh token that counts.
    async fn uninstall(
        &self,
        access: &SecretString,
        refresh: &mut Option<SecretString>,
    ) -> Result<(), Error> {
        let error = match self.0.uninstall(access).await {
            Err(error @ Error::Unauthorized(_)) => error,
            outcome => return outcome,
        };
        let Some(token) = refresh else {
            return Err(error);
        };
        let renewed = self.0.refresh(token).await?;
        if let Some(newer) = renewed.refresh_token {
            *token = newer;
        }
        self.0.uninstall(&renewed.access_token).await
    }
}
