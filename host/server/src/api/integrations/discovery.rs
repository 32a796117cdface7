//! Schema discovery, and what it says about the connection.

use partneros_domain::{ConnectionId, OrganizationId};
use partneros_store::{CachedSchema, ConnectionStatus};
use partneros_sync::{Error, describe};

use crate::state::AppState;

/// Reads the portal's schema. A failure is also written down as the connection's last error.
pub(super) async fn discover(
    state: &AppState,
    organization: OrganizationId,
    connection: ConnectionId,
) -> Result<Vec<CachedSchema>, Error> {
    let discovered = state.engine.discover(organization, connection).await;
    let status = match &discovered {
        Ok(_) => ConnectionStatus::Active,
        Err(error) => match error.hubspot() {
            Some(partneros_hubspot::Error::ReauthRequired(_)) => ConnectionStatus::ReauthRequired,
            Some(_) => ConnectionStatus::Error,
            None => return discovered,
        },
    };
    let message = discovered.as_ref().err().map(|error| describe(error));
    let now = state.environment.now();
    state
        .store
        .set_connection_status(organization, connection, status, message.as_deref(), now)
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
