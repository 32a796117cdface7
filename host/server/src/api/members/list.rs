//! `GET /api/members`: the members.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::MemberView;
use crate::auth::{Permitted, permission};
use crate::problem::Problem;
use crate::state::AppState;

/// All members.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberList {
    members: Vec<MemberView>,
}

/// Lists the members, oldest first. There are at most 1,000 unless the host is configured otherwise.
#[utoipa::path(get, path = "/api/members", tag = "members", operation_id = "listMembers",
    responses((status = 200, description = "The members.", body = MemberList)))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageMembers>,
) -> Result<Json<MemberList>, Problem> {
    let members = state.store.members(caller.organization).await?;
    Ok(Json(MemberList {
        members: members.into_iter().map(MemberView::from).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn members_are_listed_without_secrets() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Owner).await;
        let listed = ann.get("/api/members").await.expect(200);
        assert_eq!(listed["members"][0]["email"], "owner@acme.example");
        assert_eq!(listed["members"][0]["role"], "owner");
        assert!(!listed.to_string().contains("argon2"), "{listed}");
        let others = api.other().get("/api/members").await.expect(200);
        assert_eq!(others["members"].as_array().unwrap().len(), 0);
    }
}
