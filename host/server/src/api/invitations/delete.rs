//! `DELETE /api/invitations/{invitationId}`: takes an invitation back.

use axum::Json;
use axum::extract::State;

use crate::api::Success;
use crate::api::path::{InvitationPath, Path};
use crate::auth::{Permitted, permission, within_reach};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Takes an invitation back: its link works no longer.
#[utoipa::path(delete, path = "/api/invitations/{invitationId}", tag = "invitations", operation_id = "deleteInvitation",
    params(InvitationPath),
    responses(
        (status = 200, description = "The link works no longer.", body = Success),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageMembers>,
    Path(path): Path<InvitationPath>,
) -> Result<Json<Success>, Problem> {
    let (organization, now) = (caller.organization, state.environment.now());
    let waiting = state.store.invitations(organization, now).await?;
    let found = waiting.iter().find(|waits| waits.id == path.invitation_id);
    if let Some(found) = found {
        within_reach(&caller, found.role)?;
    }
    state
        .store
        .delete_invitation(organization, path.invitation_id)
        .await?;
    Ok(Json(Success::YES))
}
