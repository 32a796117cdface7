//! Schema discovery, and what it says about the connection.

use partneros_domain::{ConnectionId, OrganizationId};
use partneros_store::CachedSchema;
use partneros_sync::{Error, describe};

use crate::state::AppState;

/// Reads the portal's schema. What that says about the connection is written down.
pub(super) async fn discover(
    state: &AppState,
    organization: OrganizationId,
    connection: ConnectionId,
) -> Result<Vec<CachedSchema>, Error> {
    let found = state.store.connection(organization, connection).await?;
    let discovered = state.engine.discover(organization, connection).await;
    let failed = discovered.as_ref().err();
    state
        .engine
        .note_standing(organization, connection, found.connected_at, failed)
        .await?;
    discovered
}

/// The same for nobody who waits: a failure is logged.
pub(super) async fn discover_unattended(
    state: AppState,
    organization: OrganizationId,
    connection: ConnectionId,
) {
    match discover(&state, organization, connection).await {
        Ok(schemas) => {
            tracing::info!(connection.id = %connection, objects = schemas.len(), "schema discovered");
        }
        Err(error) => {
            let error = describe(&error);
            tracing::warn!(connection.id = %connection, error, "schema discovery failed");
        }
    }
}
