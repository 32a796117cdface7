//! `POST /api/integrations/hubspot/private-app`: connects a portal with the token of a private app.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::ConnectionId;
use partneros_store::{Access, NewConnection, TokenSet};
use partneros_sync::describe;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use super::connection::PortalChoice;
use super::{IntegrationBody, connection};
use crate::api::body::Body;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// The longest token, in bytes. HubSpot's have fewer than 50; the room is for what it may come to.
const TOKEN_BYTES_MAX: usize = 1_024;

/// A private app's token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectPrivateApp {
    /// The access token of a private app, which its page in HubSpot shows; such as `pat-na1-...`.
    #[schema(value_type = String)]
    token: SecretString,
    /// As for the consent of a person.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    instead_of: Option<ConnectionId>,
    /// As for the consent of a person.
    #[serde(default)]
    beside: bool,
}

/// A token that gets nobody in.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "failed to use `token`: it takes 1 to {TOKEN_BYTES_MAX} visible ASCII characters; copy it from the private app's page in HubSpot"
    )]
    Invalid,
    #[error(
        "failed to connect: HubSpot does not take the token ({}); copy it again from the private app's page in HubSpot, or rotate it there",
        describe(.0)
    )]
    Refused(#[source] partneros_hubspot::Error),
    #[error("failed to get an answer of use from HubSpot; try again in a while")]
    Unavailable(#[source] partneros_hubspot::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let refused = |code| Self::new(StatusCode::BAD_REQUEST, code, &error);
        match &error {
            Error::Invalid => refused("invalid_token"),
            Error::Refused(_) => refused("token_refused"),
            Error::Unavailable(source) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "hubspot_unavailable",
                &error,
            )
            .caused_by(describe(source)),
        }
    }
}

/// Connects a portal with the token of one of its private apps, in place of a person's consent. HubSpot is asked which
/// portal the token opens before anything is stored, and schema discovery starts. The token is not renewed: once HubSpot
/// refuses it, the connection is `reauth_required` until it gets another one here.
#[utoipa::path(post, path = "/api/integrations/hubspot/private-app", tag = "integrations", operation_id = "connectPrivateApp",
    request_body = ConnectPrivateApp,
    responses(
        (status = 200, description = "The connection.", body = IntegrationBody),
        (status = 400, description = "`invalid_token`, `token_refused`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`: `insteadOf` names no connection.", body = ErrorBody),
        (status = 409, description = "`portal_taken`, `other_portal` or `conflict`.", body = ErrorBody),
        (status = 503, description = "`hubspot_unavailable`, `busy` or `stopping`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageConnections>,
    Body(body): Body<ConnectPrivateApp>,
) -> Result<Json<IntegrationBody>, Problem> {
    let choice = PortalChoice {
        instead_of: body.instead_of,
        beside: body.beside,
    };
    let other_portal = choice.checked()?;
    let shown = body.token.expose_secret();
    if !(1..=TOKEN_BYTES_MAX).contains(&shown.len()) || !shown.bytes().all(|b| b.is_ascii_graphic())
    {
        return Err(Error::Invalid.into());
    }
    let slot = state.jobs.slot()?;
    let account = state.engine.parts().portals.account_of(&body.token).await;
    let account = account.map_err(|error| {
        if error.is_transient() {
            Error::Unavailable(error)
        } else {
            Error::Refused(error)
        }
    })?;
    let new = NewConnection {
        id: ConnectionId(state.environment.new_id()),
        portal_id: account.portal_id,
        access: Access::PrivateApp,
        scopes: Vec::new(),
        tokens: TokenSet {
            access: body.token,
            access_expires_at: None,
            refresh: None,
            refresh_previous: None,
            generation: 0,
        },
        other_portal,
        at: state.environment.now(),
    };
    let organization = caller.organization;
    let connected = connection::begin(&state, organization, &caller.actor, new, slot).await?;
    Ok(Json(connected))
}
