//! Integrations: the connections to HubSpot portals.
//!
//! A connection is made by the consent of a person in HubSpot: [`connect`] says where to send them, HubSpot sends them
//! back to [`callback`]. Or it is made with the token of a private app of theirs, by [`private_app`]. Field names and statuses of a connection are those of the product's public API.
//!
//! Invariant: of a connect flow only the hash of its state is kept, and the flow works once.

pub mod callback;
pub mod connect;
mod connection;
pub mod disconnect;
mod discovery;
#[cfg(test)]
pub mod fixture;
pub mod health;
pub mod list;
pub mod private_app;
pub mod refresh;
pub mod schema;
pub mod status;
#[cfg(test)]
mod tests;

use partneros_domain::{ConnectionId, OrganizationId, Timestamp};
use partneros_store::{Access, CachedSchema, Connection, ConnectionStatus, Store};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::api::words;

/// The only platform there is.
const PLATFORM: &str = "hubspot";

/// A connection, its health and what is known of its schema.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Integration)]
pub struct IntegrationView {
    /// The connection's id.
    #[schema(value_type = uuid::Uuid)]
    pub id: ConnectionId,
    /// `hubspot`.
    pub platform: &'static str,
    /// How it is.
    #[schema(value_type = words::ConnectionStatus)]
    pub status: ConnectionStatus,
    /// Always null: HubSpot has no address of a portal's own.
    pub instance_url: Option<String>,
    /// The portal.
    pub portal_id: i64,
    /// What it gets in with.
    #[schema(value_type = words::Access)]
    pub access: Access,
    /// When a person connected it last. Discovery goes on until `lastSyncAt` or `lastErrorAt` is as late.
    #[schema(value_type = String, format = DateTime)]
    pub connected_at: Timestamp,
    /// The most recent successful schema discovery.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_sync_at: Option<Timestamp>,
    /// The most recent failure.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_error_at: Option<Timestamp>,
    /// What failed then.
    pub last_error_message: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// What the last discovery found.
    pub schema_stats: SchemaStats,
}

/// How much a schema discovery found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct SchemaStats {
    /// Object types.
    objects: usize,
    /// Properties of all of them.
    fields: usize,
}

impl SchemaStats {
    fn of(schemas: &[CachedSchema]) -> Self {
        Self {
            objects: schemas.len(),
            fields: schemas
                .iter()
                .map(|cached| cached.schema.fields.len())
                .sum(),
        }
    }
}

/// One connection under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntegrationBody {
    integration: IntegrationView,
}

/// The connection as callers see it.
async fn view(
    store: &dyn Store,
    organization: OrganizationId,
    connection: Connection,
) -> Result<IntegrationView, partneros_store::Error> {
    let schemas = store.schemas(organization, connection.id).await?;
    Ok(IntegrationView {
        id: connection.id,
        platform: PLATFORM,
        status: connection.status,
        instance_url: None,
        portal_id: connection.portal_id,
        access: connection.access,
        connected_at: connection.connected_at,
        last_sync_at: connection.last_sync_at,
        last_error_at: connection.last_error_at,
        last_error_message: connection.last_error_message,
        created_at: connection.created_at,
        schema_stats: SchemaStats::of(&schemas),
    })
}

/// Under what a flow's state is kept.
fn state_hash(state: &str) -> [u8; 32] {
    Sha256::digest(state.as_bytes()).into()
}
