//! Where the engine gets the portal of a connection from.

use std::sync::Arc;

use async_trait::async_trait;
use partneros_domain::{ConnectionId, OrganizationId};
use partneros_hubspot::Portal;
use partneros_hubspot::model::AccountInfo;
use secrecy::SecretString;

use crate::error::Error;

/// While it is held, the tokens of a connection are not renewed.
#[derive(Default)]
pub struct Hold(Option<Box<dyn Send>>);

impl Hold {
    /// Holds by this.
    pub fn by(guard: impl Send + 'static) -> Self {
        Self(Some(Box::new(guard)))
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hold").field(&self.0.is_some()).finish()
    }
}

/// The portals of all connections.
#[async_trait]
pub trait Portals: Send + Sync + std::fmt::Debug {
    /// The portal of a connection. Calls on it use and renew the connection's tokens.
    async fn portal(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
    ) -> Result<Arc<dyn Portal>, Error>;

    /// The account that a private app's token opens, as HubSpot tells whoever shows it. No connection needs to have it.
    async fn account_of(
        &self,
        token: &SecretString,
    ) -> Result<AccountInfo, partneros_hubspot::Error>;

    /// Waits until this process does not renew a connection's tokens, and holds that off: what is read of them meanwhile is
    /// what HubSpot knows.
    async fn hold(&self, _connection: ConnectionId) -> Hold {
        Hold::default()
    }

    /// Forgets what is kept of a connection, after it was reconnected or disconnected.
    fn forget(&self, connection: ConnectionId);
}
