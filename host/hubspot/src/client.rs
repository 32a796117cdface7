//! The client of one connection: [`Portal`] over HTTP.
//!
//! It holds what every call needs and says which module makes which call. Clones share the connection pool, the budget
//! and the token source.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use partneros_domain::{FieldName, HubSpotId};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::access::AccessTokens;
use crate::budget::{AppKind, Budget, RateLimit};
use crate::call::{Caller, Jitter};
use crate::error::Error;
use crate::http::{Http, HttpConfig};
use crate::model::{AccountInfo, CustomSchema, NewProperty, Owner, Pipeline, Property};
use crate::paths::{API_BASE, ApiVersion, Paths};
use crate::portal::{
    List, ObjectHistory, Portal, Priority, ReadBatch, Rows, Search, SearchPage, Update, Upsert,
    Written,
};
use crate::retry::RetryConfig;
use crate::{describe, history, read, search, write};

/// How a client reaches a portal.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Where the API is. Default [`API_BASE`].
    pub api_base: Url,
    /// Which version of it. Default [`ApiVersion::V3`].
    pub version: ApiVersion,
    /// Limits on a single exchange; not looked at by [`Client::with_http`].
    pub http: HttpConfig,
    /// The portal's rate limits, to be shared by all its clients. Default those of a marketplace app; `None` keeps to no
    /// limit and is for simulators that have none.
    pub budget: Option<Budget>,
    /// How failures are retried.
    pub retry: RetryConfig,
    /// Where the jitter of retries starts. Default 0; give each connection its own.
    pub jitter_seed: u64,
    /// Ends all calls, also those that wait, with [`Error::Cancelled`].
    pub cancel: CancellationToken,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            api_base: Url::parse(API_BASE).expect("a constant address is valid"),
            version: ApiVersion::default(),
            http: HttpConfig::default(),
            budget: Some(Budget::new(AppKind::default())),
            retry: RetryConfig::default(),
            jitter_seed: 0,
            cancel: CancellationToken::new(),
        }
    }
}

/// A client of one connection.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    paths: Paths,
    caller: Caller,
}

impl Client {
    /// A client with a connection pool of its own.
    ///
    /// Fails with [`Error::Transport`] where the system's root certificates cannot be loaded.
    pub fn new(config: ClientConfig, tokens: Arc<dyn AccessTokens>) -> Result<Self, Error> {
        let http = Http::new(&config.http)?;
        Ok(Self::with_http(http, config, tokens))
    }

    /// A client that shares a connection pool with others, as the clients of a host should.
    pub fn with_http(http: Http, config: ClientConfig, tokens: Arc<dyn AccessTokens>) -> Self {
        Self(Arc::new(Inner {
            paths: Paths::new(config.api_base, config.version),
            caller: Caller {
                http,
                tokens,
                budget: config.budget,
                retry: config.retry,
                cancel: config.cancel,
                jitter: Jitter::new(config.jitter_seed),
            },
        }))
    }

    pub(crate) fn paths(&self) -> &Paths {
        &self.0.paths
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.0.caller
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("paths", &self.0.paths)
            .field("budget", &self.0.caller.budget)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Portal for Client {
    fn rate_limit_remaining(&self) -> Option<RateLimit> {
        self.caller().budget.as_ref()?.rate_limit_remaining()
    }

    async fn search(&self, search: Search<'_>) -> Result<SearchPage, Error> {
        search::search(self, &search).await
    }

    async fn read_batch(
        &self,
        object: &str,
        properties: &[FieldName],
        ids: &[HubSpotId],
        priority: Priority,
    ) -> Result<ReadBatch, Error> {
        read::read_batch(self, object, properties, ids, priority).await
    }

    async fn read_history(
        &self,
        object: &str,
        properties: &[FieldName],
        ids: &[HubSpotId],
        priority: Priority,
    ) -> Result<Vec<ObjectHistory>, Error> {
        history::read(self, object, properties, ids, priority).await
    }

    async fn read_by_key(
        &self,
        object: &str,
        properties: &[FieldName],
        key_property: &FieldName,
        keys: &[String],
        priority: Priority,
    ) -> Result<Rows, Error> {
        read::read_by_key(self, object, properties, key_property, keys, priority).await
    }

    async fn update_batch(
        &self,
        object: &str,
        updates: &[Update],
        priority: Priority,
    ) -> Result<Vec<Written>, Error> {
        write::update_batch(self, object, updates, priority).await
    }

    async fn upsert_batch(
        &self,
        object: &str,
        key_property: &FieldName,
        upserts: &[Upsert],
        priority: Priority,
    ) -> Result<Vec<Written>, Error> {
        write::upsert_batch(self, object, key_property, upserts, priority).await
    }

    async fn archive_batch(
        &self,
        object: &str,
        ids: &[HubSpotId],
        priority: Priority,
    ) -> Result<(), Error> {
        write::archive_batch(self, object, ids, priority).await
    }

    async fn list(&self, list: List<'_>) -> Result<(Rows, Option<String>), Error> {
        read::list(self, list).await
    }

    async fn properties(&self, object: &str) -> Result<Vec<Property>, Error> {
        describe::properties(self, object).await
    }

    async fn create_property(
        &self,
        object: &str,
        property: &NewProperty,
    ) -> Result<Property, Error> {
        describe::create_property(self, object, property).await
    }

    async fn custom_schemas(&self) -> Result<Vec<CustomSchema>, Error> {
        describe::custom_schemas(self).await
    }

    async fn pipelines(&self, object: &str) -> Result<Vec<Pipeline>, Error> {
        describe::pipelines(self, object).await
    }

    async fn owners(&self) -> Result<Vec<Owner>, Error> {
        describe::owners(self).await
    }

    async fn account_info(&self) -> Result<AccountInfo, Error> {
        describe::account_info(self).await
    }
}
