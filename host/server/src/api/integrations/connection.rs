//! How a connection begins and ends, whatever it gets in with.
//!
//! Invariant: what HubSpot does or does not about the end of a connection keeps no token alive on this side; tokens are
//! erased first, and what HubSpot was told is in the answer and in the audit log.

use std::time::Duration;

use axum::http::StatusCode;
use partneros_domain::{ConnectionId, OrganizationId};
use partneros_store::{
    Access, Connection, ConnectionStatus, Forgotten, NewConnection, OtherPortal, TokenSet,
};
use partneros_sync::describe;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{IntegrationBody, discovery, view};
use crate::problem::Problem;
use crate::state::{AppState, ConnectFlow, Ending, Slot};

/// How long HubSpot may take over the end of a connection, retries included.
const END_MAX: Duration = Duration::from_secs(20);
/// Where a person removes an app in HubSpot.
const BY_HAND: &str = "in HubSpot, under Settings > Integrations > Connected Apps";

/// What becomes of the portals that are connected already if this one is another. Without either, another portal is
/// refused.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct PortalChoice {
    /// The connection that another portal takes the place of. Its pairs move there with their mappings, without links and
    /// cursors, and are paused; then it is disconnected.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) instead_of: Option<ConnectionId>,
    /// Whether another portal may be connected beside those there are.
    pub(super) beside: bool,
}

/// What HubSpot was told of the end of a connection.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Farewell {
    /// Whether HubSpot took the refresh token back; null where there was none.
    refresh_token_revoked: Option<bool>,
    /// Whether the app was removed from the portal; null unless that was asked for.
    app_uninstalled: Option<bool>,
    /// What did not work, and what is left to do by hand; null when nothing is.
    message: Option<String>,
}

/// A choice, or a portal, that leads to no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("failed to use the body: `insteadOf` and `beside` exclude each other; leave one out")]
    BothChosen,
    #[error(
        "failed to connect: HubSpot portal `{0}` is connected by another organization of this host; it must be \
         disconnected there first"
    )]
    Taken(i64),
    #[error(
        "failed to connect: HubSpot portal `{portal_id}` is not the one that is connected ({}). Begin again and choose \
         that one; or begin with `insteadOf` and the connection's id, which moves its pairs and mappings to the other \
         portal; or with `beside` set to true, to sync with both",
        portals(connected)
    )]
    Other {
        portal_id: i64,
        connected: Vec<(ConnectionId, i64)>,
    },
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::BothChosen => (StatusCode::BAD_REQUEST, "invalid_body"),
            Error::Taken(_) => (StatusCode::CONFLICT, "portal_taken"),
            Error::Other { .. } => (StatusCode::CONFLICT, "other_portal"),
        };
        Self::new(status, code, &error)
    }
}

impl PortalChoice {
    pub(super) fn checked(self) -> Result<OtherPortal, Error> {
        match (self.instead_of, self.beside) {
            (None, false) => Ok(OtherPortal::Refuse),
            (None, true) => Ok(OtherPortal::Beside),
            (Some(id), false) => Ok(OtherPortal::InsteadOf(id)),
            (Some(_), true) => Err(Error::BothChosen),
        }
    }
}

/// Stores a connection, tells what there is to tell, and starts schema discovery in `slot`.
pub(super) async fn begin(
    state: &AppState,
    organization: OrganizationId,
    actor: &str,
    new: NewConnection,
    slot: Slot,
) -> Result<IntegrationBody, Problem> {
    let (portal_id, access, other) = (new.portal_id, new.access, new.other_portal);
    let moved = match other {
        OtherPortal::InsteadOf(left) => state.store.pairs(organization, left).await?,
        OtherPortal::Refuse | OtherPortal::Beside => Vec::new(),
    };
    let put = state.store.put_connection(organization, new).await;
    let connection = put.map_err(|error| match error {
        partneros_store::Error::PortalTaken(portal) => Error::Taken(portal).into(),
        partneros_store::Error::OtherPortal {
            portal_id,
            connected,
        } => Error::Other {
            portal_id,
            connected,
        }
        .into(),
        error => Problem::from(error),
    })?;
    let id = connection.id;
    state.engine.parts().portals.forget(id);
    let mut metadata = json!({"portalId": portal_id, "access": access});
    let left = match other {
        OtherPortal::InsteadOf(left) if left != id => Some(left),
        _ => None,
    };
    if let Some(left) = left {
        let pairs: Vec<_> = moved.iter().map(|pair| pair.id).collect();
        metadata["insteadOf"] = json!(left);
        metadata["movedPairs"] = json!(pairs);
    }
    state
        .engine
        .reconnected(organization, actor, id, metadata)
        .await?;
    if let Some(left) = left {
        let before = state.store.connection(organization, left).await?;
        if before.status != ConnectionStatus::Disconnected {
            end(state, organization, actor, &before, false).await?;
        }
    }
    tracing::info!(connection.id = %id, portal.id = portal_id, "portal connected");
    let integration = view(state.store.as_ref(), organization, connection).await?;
    slot.run(discovery::discover_unattended(
        state.clone(),
        organization,
        id,
    ));
    Ok(IntegrationBody { integration })
}

/// Erases a connection's tokens, then has HubSpot forget them as well.
pub(super) async fn end(
    state: &AppState,
    organization: OrganizationId,
    actor: &str,
    connection: &Connection,
    uninstall: bool,
) -> Result<Farewell, Problem> {
    let id = connection.id;
    let (portals, now) = (&state.engine.parts().portals, state.environment.now());
    // A renewal that is under way replaces what HubSpot is to be told to forget.
    let hold = tokio::time::timeout(END_MAX, portals.hold(id)).await;
    let forgotten = state.store.disconnect(organization, id, now).await?;
    drop(hold);
    portals.forget(id);
    let farewell = match forgotten {
        Forgotten::Nothing => Farewell::default(),
        Forgotten::Tokens(tokens) => match connection.access {
            Access::OAuth => say_farewell(state, &tokens, uninstall).await,
            Access::PrivateApp => Farewell {
                app_uninstalled: uninstall.then_some(false),
                message: Some(
                    "The private app's token works until it is rotated, or the app is deleted, in HubSpot."
                        .to_owned(),
                ),
                ..Farewell::default()
            },
        },
        Forgotten::Unreadable(error) => Farewell {
            refresh_token_revoked: Some(false),
            app_uninstalled: uninstall.then_some(false),
            message: Some(format!(
                "The tokens could not be opened any more ({}); remove the app {BY_HAND}.",
                describe(&error)
            )),
        },
    };
    let metadata = json!(farewell);
    state
        .engine
        .disconnected(organization, actor, id, metadata)
        .await?;
    tracing::info!(connection.id = %id, "portal disconnected");
    Ok(farewell)
}

async fn say_farewell(state: &AppState, tokens: &TokenSet, uninstall: bool) -> Farewell {
    let told = match &state.connect {
        Some(flow) => tell(flow.as_ref(), tokens, uninstall).await,
        None => Err("this host has no HubSpot app any more".to_owned()),
    };
    let (revoked, uninstalled, problem) = match told {
        Ok(ending) => {
            let problems: Vec<_> = [Some(&ending.revoked), ending.uninstalled.as_ref()]
                .into_iter()
                .flatten()
                .filter_map(|outcome| outcome.as_ref().err().map(|error| describe(error)))
                .collect();
            let uninstalled = ending.uninstalled.map(|outcome| outcome.is_ok());
            (ending.revoked.is_ok(), uninstalled, problems.join("; "))
        }
        Err(problem) => (false, uninstall.then_some(false), problem),
    };
    if !problem.is_empty() {
        tracing::warn!(
            error = problem,
            "HubSpot was not told of a disconnected portal"
        );
    }
    Farewell {
        refresh_token_revoked: Some(revoked),
        app_uninstalled: uninstalled,
        message: (!problem.is_empty()).then(|| {
            format!("The tokens are erased here, but HubSpot was not told of it all ({problem}); remove the app {BY_HAND}.")
        }),
    }
}

async fn tell(
    flow: &dyn ConnectFlow,
    tokens: &TokenSet,
    uninstall: bool,
) -> Result<Ending, String> {
    tokio::time::timeout(END_MAX, flow.end(tokens, uninstall))
        .await
        .map_err(|_| format!("no answer within {} seconds", END_MAX.as_secs()))
}

fn portals(connected: &[(ConnectionId, i64)]) -> String {
    let named: Vec<_> = connected
        .iter()
        .map(|(id, portal)| format!("portal `{portal}` as connection `{id}`"))
        .collect();
    named.join(", ")
}
