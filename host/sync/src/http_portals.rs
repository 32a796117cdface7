//! The portals of all connections over HTTP: one client a connection, with shared connections to HubSpot and the
//! connection's own budget and tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use partneros_domain::{ConnectionId, OrganizationId};
use partneros_hubspot::{
    ApiVersion, AppKind, Budget, Client, ClientConfig, Http, OAuth, Portal, RetryConfig,
};
use partneros_store::{ConnectionStatus, Store};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::access::ConnectionTokens;
use crate::environment::Environment;
use crate::error::Error;
use crate::portals::Portals;

/// How portals are reached.
#[derive(Debug, Clone)]
pub struct PortalsConfig {
    /// Where HubSpot's API is.
    pub api_base: Url,
    /// Which version of the CRM API.
    pub version: ApiVersion,
    /// What kind of app this host is to HubSpot; `None` keeps to no limit and is for simulators that have none.
    pub app: Option<AppKind>,
    /// How failures are retried.
    pub retry: RetryConfig,
}

/// The portals of all connections.
pub struct HttpPortals {
    config: PortalsConfig,
    http: Http,
    oauth: Option<Arc<OAuth>>,
    store: Arc<dyn Store>,
    environment: Arc<dyn Environment>,
    stop: CancellationToken,
    clients: Mutex<HashMap<ConnectionId, Client>>,
}

impl HttpPortals {
    /// Makes the portals. `oauth` renews tokens; without it they are used as they are.
    pub fn new(
        config: PortalsConfig,
        http: Http,
        oauth: Option<Arc<OAuth>>,
        store: Arc<dyn Store>,
        environment: Arc<dyn Environment>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            config,
            http,
            oauth,
            store,
            environment,
            stop,
            clients: Mutex::new(HashMap::new()),
        }
    }

    fn client(&self, organization: OrganizationId, connection: ConnectionId) -> Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let tokens = ConnectionTokens::new(
                organization,
                connection,
                Arc::clone(&self.store),
                self.oauth.clone(),
                Arc::clone(&self.environment),
            );
            let mut seed = [0; 8];
            self.environment.random(&mut seed);
            let config = ClientConfig {
                api_base: self.config.api_base.clone(),
                version: self.config.version,
                budget: self.config.app.map(Budget::new),
                retry: self.config.retry.clone(),
                jitter_seed: u64::from_le_bytes(seed),
                cancel: self.stop.clone(),
                ..ClientConfig::default()
            };
            Client::with_http(self.http.clone(), config, Arc::new(tokens))
        };
        clients.entry(connection).or_insert_with(make).clone()
    }
}

impl std::fmt::Debug for HttpPortals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpPortals")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Portals for HttpPortals {
    async fn portal(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
    ) -> Result<Arc<dyn Portal>, Error> {
        // Asking the store first keeps another organization's connection out of reach.
        let stored = self.store.connection(organization, connection).await?;
        match stored.status {
            ConnectionStatus::Active | ConnectionStatus::Error => {
                Ok(Arc::new(self.client(organization, connection)))
            }
            ConnectionStatus::Disconnected => Err(Error::NotConnected(
                "the portal was disconnected; connect it again".to_owned(),
            )),
            ConnectionStatus::ReauthRequired => Err(Error::NotConnected(
                "the access was revoked; reconnect the portal".to_owned(),
            )),
        }
    }

    fn forget(&self, connection: ConnectionId) {
        self.clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&connection);
    }
}
