//! `DELETE /api/integrations/{connectionId}`: ends a connection.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::connection::{self, Farewell};
use crate::api::path::{ConnectionPath, Path};
use crate::api::query::Query;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What goes with the connection.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DisconnectQuery {
    /// Whether the app is removed from the portal, too; HubSpot then tells the portal's people by mail.
    #[serde(default)]
    uninstall: bool,
}

/// A connection that was ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct Disconnected {
    /// Always true: the tokens are erased.
    success: bool,
    hubspot: Farewell,
}

/// Ends a connection: erases its tokens and has HubSpot revoke them. Records, pairs and mappings stay; connecting the portal
/// again goes on with them.
#[utoipa::path(delete, path = "/api/integrations/{connectionId}", tag = "integrations", operation_id = "disconnectIntegration",
    params(ConnectionPath, DisconnectQuery),
    responses(
        (status = 200, description = "The connection is ended; what HubSpot did about it is told apart.", body = Disconnected),
        (status = 400, description = "`invalid_query`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageConnections>,
    Path(path): Path<ConnectionPath>,
    Query(query): Query<DisconnectQuery>,
) -> Result<Json<Disconnected>, Problem> {
    let organization = caller.organization;
    let connection = state
        .store
        .connection(organization, path.connection_id)
        .await?;
    let hubspot = connection::end(
        &state,
        organization,
        &caller.actor,
        &connection,
        query.uninstall,
    )
    .await?;
    Ok(Json(Disconnected {
        success: true,
        hubspot,
    }))
}
