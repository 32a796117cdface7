//! The connect flow over HubSpot's OAuth.

use std::sync::Arc;

use async_trait::async_trait;
use partneros_hubspot::{OAuth, TokenKind};
use secrecy::SecretString;
use url::Url;

use crate::state::{ConnectError, ConnectFlow, Granted};

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
}
