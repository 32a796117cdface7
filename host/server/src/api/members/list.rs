//! `GET /api/members`: the members.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::MemberView;
use crate::api::query::{Paging, Query};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of members.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberPage {
    members: Vec<MemberView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// Lists the members, oldest first.
#[utoipa::path(get, path = "/api/members", tag = "members", operation_id = "listMembers",
    params(Paging),
    responses(
        (status = 200, description = "A page of members.", body = MemberPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageMembers>,
    Query(paging): Query<Paging>,
) -> Result<Json<MemberPage>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .members_page(caller.organization, cursor, limit)
        .await?;
    Ok(Json(MemberPage {
        members: page.items.into_iter().map(MemberView::from).collect(),
        next_cursor: page.next,
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

    #[tokio::test]
    async fn members_are_listed_page_by_page() {
        let api = TestApi::new().await;
        let (ann, _) = (
            api.session(Role::Owner).await,
            api.session(Role::Member).await,
        );
        let first = ann.get("/api/members?limit=1").await.expect(200);
        assert_eq!(first["members"][0]["email"], "owner@acme.example");
        let next = first["nextCursor"].as_str().unwrap();
        let path = format!("/api/members?limit=1&cursor={next}");
        let second = ann.get(&path).await.expect(200);
        assert_eq!(second["members"][0]["email"], "member@acme.example");
        assert_eq!(second["nextCursor"], serde_json::Value::Null);
        ann.get("/api/members?cursor=r1")
            .await
            .refused(400, "invalid_cursor");
    }
}
