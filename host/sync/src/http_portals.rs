//! The portals of all connections over HTTP: one client a connection, with shared connections to HubSpot and the
//! connection's own budget and tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use partneros_domain::{ConnectionId, OrganizationId};
use partneros_hubspot::model::AccountInfo;
use partneros_hubspot::{
    AccessTokens, ApiVersion, AppKind, Budget, Client, ClientConfig, Http, OAuth, Portal,
    RetryConfig, StaticToken,
};
use partneros_store::{Access, Connection, ConnectionStatus, Store};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::access::ConnectionTokens;
use crate::environment::Environment;
use crate::error::Error;
use crate::portals::{Hold, Portals};

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
    clients: Mutex<HashMap<ConnectionId, Kept>>,
}

/// What is kept of a connection.
struct Kept {
    access: Access,
    client: Client,
    tokens: Arc<ConnectionTokens>,
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

    /// The client of a connection. What it gets in with may have changed in another process, which forgets nothing here.
    fn client(&self, connection: &Connection) -> Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = clients.get(&connection.id);
        if let Some(kept) = kept.filter(|kept| kept.access == connection.access) {
            return kept.client.clone();
        }
        let oauth = match connection.access {
            Access::OAuth => self.oauth.clone(),
            Access::PrivateApp => None,
        };
        let tokens = Arc::new(ConnectionTokens::new(
            connection.organization_id,
            connection.id,
            Arc::clone(&self.store),
            oauth,
            Arc::clone(&self.environment),
        ));
        let kept = Kept {
            access: connection.access,
            client: self.client_with(connection.access, tokens.clone()),
            tokens,
        };
        let client = kept.client.clone();
        clients.insert(connection.id, kept);
        client
    }

    fn client_with(&self, access: Access, tokens: Arc<dyn AccessTokens>) -> Client {
        let app = match (self.config.app, access) {
            // A portal's own app has the limits of one that is distributed privately.
            (Some(AppKind::Marketplace), Access::PrivateApp) => Some(AppKind::Private),
            (app, _) => app,
        };
        let mut seed = [0; 8];
        self.environment.random(&mut seed);
        let config = ClientConfig {
            api_base: self.config.api_base.clone(),
            version: self.config.version,
            budget: app.map(Budget::new),
            retry: self.config.retry.clone(),
            jitter_seed: u64::from_le_bytes(seed),
            cancel: self.stop.clone(),
            ..ClientConfig::default()
        };
        Client::with_http(self.http.clone(), config, tokens)
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
                Ok(Arc::new(self.client(&stored)))
            }
            ConnectionStatus::Disconnected => Err(Error::NotConnected(
                "the portal was disconnected; connect it again".to_owned(),
            )),
            ConnectionStatus::ReauthRequired => Err(Error::NotConnected(
                "the access was revoked; reconnect the portal".to_owned(),
            )),
        }
    }

    async fn account_of(
        &self,
        token: &SecretString,
    ) -> Result<AccountInfo, partneros_hubspot::Error> {
        let token = Arc::new(StaticToken::new(token.expose_secret()));
        self.client_with(Access::PrivateApp, token)
            .account_info()
            .await
    }

    async fn hold(&self, connection: ConnectionId) -> Hold {
        let tokens = {
            let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
            clients.get(&connection).map(|kept| kept.tokens.clone())
        };
        match tokens {
            Some(tokens) => Hold::by(tokens.hold().await),
            None => Hold::default(),
        }
    }

    fn forget(&self, connection: ConnectionId) {
        self.clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&connection);
    }
}
