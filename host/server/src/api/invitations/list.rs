//! `GET /api/invitations`: the invitations that wait.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::InvitationView;
use crate::auth::{Permitted, permission};
use crate::problem::Problem;
use crate::state::AppState;

/// All invitations.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationList {
    invitations: Vec<InvitationView>,
}

/// Lists the invitations that wait and have not expired, oldest first. With the members there are at most 1,000 unless the
/// host is configured otherwise.
#[utoipa::path(get, path = "/api/invitations", tag = "invitations", operation_id = "listInvitations",
    responses((status = 200, description = "The invitations.", body = InvitationList)))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageMembers>,
) -> Result<Json<InvitationList>, Problem> {
    let now = state.environment.now();
    let waiting = state.store.invitations(caller.organization, now).await?;
    Ok(Json(InvitationList {
        invitations: waiting.into_iter().map(InvitationView::from).collect(),
    }))
}
