//! `GET /api/invitations`: the invitations that wait.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::InvitationView;
use crate::api::query::{Paging, Query};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of invitations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationPage {
    invitations: Vec<InvitationView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// Lists the invitations that wait and have not expired, oldest first.
#[utoipa::path(get, path = "/api/invitations", tag = "invitations", operation_id = "listInvitations",
    params(Paging),
    responses(
        (status = 200, description = "A page of invitations.", body = InvitationPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageMembers>,
    Query(paging): Query<Paging>,
) -> Result<Json<InvitationPage>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let now = state.environment.now();
    let page = state
        .store
        .invitations_page(caller.organization, now, cursor, limit)
        .await?;
    Ok(Json(InvitationPage {
        invitations: page.items.into_iter().map(InvitationView::from).collect(),
        next_cursor: page.next,
    }))
}
