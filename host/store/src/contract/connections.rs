//! Connections: authorised portals, their sealed tokens, and the OAuth states that wait for a callback.

use async_trait::async_trait;
use partneros_domain::{ConnectionId, OrganizationId, Timestamp};
use secrecy::SecretString;

use crate::{Error, Result};

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// Works.
    Active,
    /// The last sync failed for another reason than access.
    Error,
    /// Ended by an admin.
    Disconnected,
    /// The access was revoked: a person must reconnect.
    ReauthRequired,
}

/// What a connection gets into its portal with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Access {
    /// A person's consent to the host's app; its tokens are renewed.
    #[serde(rename = "oauth")]
    OAuth,
    /// The token of a private app of the portal's own, which works until it is replaced there.
    #[serde(rename = "private_app")]
    PrivateApp,
}

/// What becomes of the portals that an organization has connected already when another one is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherPortal {
    /// There may be none that works or has pairs: whoever connects has probably taken the wrong portal.
    Refuse,
    /// They stay, beside the new one.
    Beside,
    /// The pairs of this connection move to the new portal.
    InsteadOf(ConnectionId),
}

/// A connection to make, or to make again.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// The id for a portal that was not connected before.
    pub id: ConnectionId,
    /// The portal.
    pub portal_id: i64,
    /// What it gets in with.
    pub access: Access,
    /// The scopes that were granted; none where HubSpot does not say.
    pub scopes: Vec<String>,
    /// The tokens.
    pub tokens: TokenSet,
    /// What becomes of the organization's other portals.
    pub other_portal: OtherPortal,
    /// Now.
    pub at: Timestamp,
}

/// One organization's authorised portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The id.
    pub id: ConnectionId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The portal.
    pub portal_id: i64,
    /// How it is.
    pub status: ConnectionStatus,
    /// What it gets in with.
    pub access: Access,
    /// When a person connected the portal last.
    pub connected_at: Timestamp,
    /// The scopes that were granted; none where HubSpot does not say.
    pub scopes: Vec<String>,
    /// The most recent successful schema discovery.
    pub last_sync_at: Option<Timestamp>,
    /// The most recent failure.
    pub last_error_at: Option<Timestamp>,
    /// What failed.
    pub last_error_message: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The tokens of a connection. Sealed at rest; `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct TokenSet {
    /// The access token.
    pub access: SecretString,
    /// When the access token expires; never, if it is a private app's.
    pub access_expires_at: Option<Timestamp>,
    /// The refresh token; none for a private-app token.
    pub refresh: Option<SecretString>,
    /// The refresh token before this one, kept until this one has worked.
    pub refresh_previous: Option<SecretString>,
    /// Counts replacements; a writer names the one it started from.
    pub generation: i64,
}

/// What a connection that was ended had.
#[derive(Debug)]
pub enum Forgotten {
    /// Nothing: it had been ended before.
    Nothing,
    /// These tokens, which HubSpot may be told to forget as well.
    Tokens(Box<TokenSet>),
    /// Tokens that do not open any more.
    Unreadable(Error),
}

/// What a caller showed, by the SHA-256 under which it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// The token of a session.
    Session([u8; 32]),
    /// An API token.
    Token([u8; 32]),
}

/// A connect flow that waits for HubSpot's callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthState {
    /// SHA-256 of the state parameter.
    pub hash: [u8; 32],
    /// For whom it was begun.
    pub organization_id: OrganizationId,
    /// What whoever began it showed.
    pub begun_with: Credential,
    /// What becomes of the organization's other portals if it ends at another one.
    pub other_portal: OtherPortal,
    /// When it stops being valid.
    pub expires_at: Timestamp,
}

/// Connections and their tokens.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Makes a connection, or renews the organization's connection to the same portal: same id, status `active`, new
    /// tokens and scopes. Its pairs go on with their links and cursors.
    ///
    /// With [`OtherPortal::InsteadOf`] the pairs of that connection move to this one, unless it is this one: they keep
    /// their ids, settings, mappings and what is bound to them, and lose what is of the old portal only, which are links,
    /// cursors, failures and what waits to be pushed. Those that are active are paused, and whoever syncs them loses the
    /// lease. The connection that they leave stays as it is.
    ///
    /// Fails with [`Error::PortalTaken`] for a portal that another organization has connected, with
    /// [`Error::OtherPortal`] for one that needs an explicit choice, and as a conflict where both connections have a pair
    /// of the same two objects.
    async fn put_connection(
        &self,
        organization: OrganizationId,
        new: NewConnection,
    ) -> Result<Connection>;
    /// The organization's connections, oldest first.
    async fn connections(&self, organization: OrganizationId) -> Result<Vec<Connection>>;
    /// One connection.
    async fn connection(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
    ) -> Result<Connection>;
    /// Sets the status, and returns whether it did: what was learned of a connection as it was connected at `as_of` says nothing
    /// once it is connected anew. A message also sets the last error. A disconnected connection takes no other status, which is
    /// a conflict: only [`Self::put_connection`] makes it work again.
    async fn set_connection_status(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
        as_of: Timestamp,
        status: ConnectionStatus,
        error: Option<&str>,
        at: Timestamp,
    ) -> Result<bool>;
    /// The tokens, opened.
    async fn connection_tokens(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
    ) -> Result<TokenSet>;
    /// Replaces the tokens if they are still of generation `from`; returns whether they were.
    async fn replace_tokens(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
        from: i64,
        tokens: &TokenSet,
    ) -> Result<bool>;
    /// Forgets the tokens, which are returned, and sets the status `disconnected`. Pairs stay, with their mappings and what
    /// is bound to them, so that they go on as before once the portal is connected again.
    async fn disconnect(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
        at: Timestamp,
    ) -> Result<Forgotten>;
    /// Keeps a connect flow, and drops those that expired.
    async fn put_oauth_state(&self, state: &OAuthState, now: Timestamp) -> Result<()>;
    /// Takes a connect flow: it is valid once. `None` when unknown, used or expired.
    async fn take_oauth_state(&self, hash: &[u8; 32], now: Timestamp)
    -> Result<Option<OAuthState>>;
}
