//! HubSpot in tests of the API: codes that say what becomes of them, and a portal of which only the schema can be read.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use partneros_domain::{ConnectionId, FieldName, HubSpotId, OrganizationId};
use partneros_hubspot::model::{AccountInfo, CustomSchema, NewProperty, Owner, Pipeline, Property};
use partneros_hubspot::{
    Error, List, ObjectHistory, Portal, Priority, RateLimit, ReadBatch, Refusal, Rows, Search,
    SearchPage, Update, Upsert, Written,
};
use partneros_store::TokenSet;
use partneros_sync::Portals;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::state::{ConnectError, ConnectFlow, Ending, Granted};

/// Exchanges codes: `good` works, `elsewhere` does for another portal, `used` is refused, `outage` gets no answer,
/// `portalless` names no portal. Takes back what it granted, except the refresh token `stays`.
#[derive(Debug)]
pub struct TestConnect;

#[async_trait]
impl ConnectFlow for TestConnect {
    fn authorize_url(&self, state: &str) -> Url {
        let mut url = Url::parse("https://app.example.test/oauth/authorize").unwrap();
        url.query_pairs_mut().append_pair("state", state);
        url
    }

    async fn exchange(&self, code: &SecretString) -> Result<Granted, ConnectError> {
        let granted = |portal_id, access: &str| Granted {
            portal_id,
            scopes: vec!["oauth".to_owned()],
            access: access.to_owned().into(),
            expires_in: Duration::from_mins(30),
            refresh: Some("refresh-good".to_owned().into()),
        };
        match code.expose_secret() {
            "good" => Ok(granted(4_711, "access-good")),
            "elsewhere" => Ok(granted(4_712, "access-elsewhere")),
            "outage" => Err(ConnectError::Exchange(Error::Unavailable(refusal(502)))),
            "portalless" => Err(ConnectError::NoPortal),
            _ => Err(ConnectError::Exchange(Error::Validation(refusal(400)))),
        }
    }

    async fn end(&self, tokens: &TokenSet, uninstall: bool) -> Ending {
        let refresh = tokens.refresh.as_ref().map(SecretString::expose_secret);
        Ending {
            revoked: match refresh {
                Some("stays") => Err(Error::Unavailable(refusal(502))),
                _ => Ok(()),
            },
            uninstalled: uninstall.then_some(Ok(())),
        }
    }
}

/// A flow with a bug.
#[derive(Debug)]
pub struct PanickingConnect;

#[async_trait]
impl ConnectFlow for PanickingConnect {
    fn authorize_url(&self, _state: &str) -> Url {
        panic!("boom")
    }

    async fn exchange(&self, _code: &SecretString) -> Result<Granted, ConnectError> {
        panic!("boom")
    }

    async fn end(&self, _tokens: &TokenSet, _uninstall: bool) -> Ending {
        panic!("boom")
    }
}

/// The portal of every connection: not to be had until it is opened.
#[derive(Debug, Default)]
pub struct TestPortals {
    mode: AtomicU8,
    limit: Mutex<Option<RateLimit>>,
    forgotten: Mutex<Vec<ConnectionId>>,
}

const OPEN: u8 = 1;
const REVOKED: u8 = 2;
const REFUSED: u8 = 3;

impl TestPortals {
    /// From now on the schema can be read.
    pub fn open(&self) {
        self.mode.store(OPEN, Ordering::Relaxed);
    }

    /// From now on HubSpot asks for a new authorisation.
    pub fn revoke(&self) {
        self.mode.store(REVOKED, Ordering::Relaxed);
    }

    /// From now on HubSpot takes no access token.
    pub fn refuse(&self) {
        self.mode.store(REFUSED, Ordering::Relaxed);
    }

    /// From now on HubSpot says that so many of a thousand calls of the day are left.
    pub fn leave_calls(&self, daily_remaining: u64) {
        let limit = RateLimit {
            max: 110,
            remaining: 110,
            daily_max: Some(1_000),
            daily_remaining: Some(daily_remaining),
            age_ms: 0,
        };
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner) = Some(limit);
    }

    /// Which connections were to be forgotten.
    pub fn forgotten(&self) -> Vec<ConnectionId> {
        self.forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl Portals for TestPortals {
    async fn portal(
        &self,
        _organization: OrganizationId,
        _connection: ConnectionId,
    ) -> Result<Arc<dyn Portal>, partneros_sync::Error> {
        let limit = *self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        match self.mode.load(Ordering::Relaxed) {
            mode @ (OPEN | REVOKED | REFUSED) => Ok(Arc::new(TestPortal { mode, limit })),
            _ => Err(partneros_sync::Error::NotConnected(
                "there is no portal in this test".into(),
            )),
        }
    }

    /// Tokens of two portals; `pat-late` gets no answer, and no other is known.
    async fn account_of(&self, token: &SecretString) -> Result<AccountInfo, Error> {
        let portal_id = match token.expose_secret() {
            "pat-good" => 4_711,
            "pat-elsewhere" => 4_712,
            "pat-late" => return outage(),
            _ => return Err(Error::Unauthorized(refusal(401))),
        };
        Ok(serde_json::from_value(serde_json::json!({"portalId": portal_id})).unwrap())
    }

    fn forget(&self, connection: ConnectionId) {
        self.forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
    }
}

/// A portal with one property an object. Everything but its schema answers with an outage.
struct TestPortal {
    mode: u8,
    limit: Option<RateLimit>,
}

impl TestPortal {
    fn unless_revoked<T>(&self, value: T) -> Result<T, Error> {
        match self.mode {
            REVOKED => Err(Error::ReauthRequired(refusal(401))),
            REFUSED => Err(Error::Unauthorized(refusal(401))),
            _ => Ok(value),
        }
    }
}

fn refusal(status: u16) -> Refusal {
    Refusal {
        status,
        message: "said so".to_owned(),
        ..Refusal::default()
    }
}

fn outage<T>() -> Result<T, Error> {
    Err(Error::Unavailable(refusal(502)))
}

#[async_trait]
impl Portal for TestPortal {
    fn rate_limit_remaining(&self) -> Option<RateLimit> {
        self.limit
    }

    async fn search(&self, _: Search<'_>) -> Result<SearchPage, Error> {
        outage()
    }

    async fn read_batch(
        &self,
        _: &str,
        _: &[FieldName],
        _: &[HubSpotId],
        _: Priority,
    ) -> Result<ReadBatch, Error> {
        outage()
    }

    async fn read_history(
        &self,
        _: &str,
        _: &[FieldName],
        _: &[HubSpotId],
        _: Priority,
    ) -> Result<Vec<ObjectHistory>, Error> {
        outage()
    }

    async fn read_by_key(
        &self,
        _: &str,
        _: &[FieldName],
        _: &FieldName,
        _: &[String],
        _: Priority,
    ) -> Result<Rows, Error> {
        outage()
    }

    async fn update_batch(
        &self,
        _: &str,
        _: &[Update],
        _: Priority,
    ) -> Result<Vec<Written>, Error> {
        outage()
    }

    async fn upsert_batch(
        &self,
        _: &str,
        _: &FieldName,
        _: &[Upsert],
        _: Priority,
    ) -> Result<Vec<Written>, Error> {
        outage()
    }

    async fn archive_batch(&self, _: &str, _: &[HubSpotId], _: Priority) -> Result<(), Error> {
        outage()
    }

    async fn list(&self, _: List<'_>) -> Result<(Rows, Option<String>), Error> {
        outage()
    }

    async fn properties(&self, _: &str) -> Result<Vec<Property>, Error> {
        let property = serde_json::json!({"name": "name", "label": "Name", "type": "string"});
        self.unless_revoked(vec![serde_json::from_value(property).unwrap()])
    }

    async fn create_property(&self, _: &str, _: &NewProperty) -> Result<Property, Error> {
        outage()
    }

    async fn custom_schemas(&self) -> Result<Vec<CustomSchema>, Error> {
        self.unless_revoked(Vec::new())
    }

    async fn pipelines(&self, _: &str) -> Result<Vec<Pipeline>, Error> {
        self.unless_revoked(Vec::new())
    }

    async fn owners(&self) -> Result<Vec<Owner>, Error> {
        self.unless_revoked(Vec::new())
    }

    async fn account_info(&self) -> Result<AccountInfo, Error> {
        outage()
    }
}
