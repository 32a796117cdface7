//! `DELETE /api/members/{memberId}`: removes a member.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use serde_json::json;

use crate::api::Success;
use crate::api::path::{MemberPath, Path};
use crate::auth::{Permitted, permission, within_reach};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Removes a member, with their API tokens of this organization. Their account stays, and what they are elsewhere.
#[utoipa::path(delete, path = "/api/members/{memberId}", tag = "members", operation_id = "removeMember",
    params(MemberPath),
    responses(
        (status = 200, description = "They are no member any more.", body = Success),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`conflict`: the last owner stays; or the role changed meanwhile.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageMembers>,
    Path(path): Path<MemberPath>,
) -> Result<Json<Success>, Problem> {
    let (organization, id) = (caller.organization, path.member_id);
    let member = state.store.member(organization, id).await?;
    within_reach(&caller, member.role)?;
    state
        .store
        .remove_member(organization, id, member.role)
        .await?;
    let metadata = json!({"memberId": id, "role": member.role});
    let event = EventType::MemberRemoved;
    state
        .engine
        .note(organization, &caller.actor, event, &member.email, metadata)
        .await?;
    Ok(Json(Success::YES))
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn whoever_is_removed_is_out_at_once_with_their_tokens() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Owner).await;
        let bob = api.person("bob@acme.example", Role::Admin).await;
        let seen = api.sign_in("bob@acme.example").await;
        let made = seen
            .post("/api/tokens", json!({"name": "bob's", "role": "admin"}))
            .await
            .expect(200);
        let token = api.stranger(made["secret"].as_str().unwrap());
        token.get("/api/objects").await.expect(200);
        let path = format!("/api/members/{}", bob.id);
        ann.delete(&path).await.expect(200);
        ann.delete(&path).await.refused(404, "not_found");
        token.get("/api/objects").await.refused(401, "unauthorized");
        seen.get("/api/objects")
            .await
            .refused(400, "no_active_organization");
        let events = ann.get("/api/audit-events?type=member.removed").await;
        let event = events.expect(200)["events"][0].clone();
        assert_eq!(event["subject"], "bob@acme.example");
        assert_eq!(event["actor"], "owner@acme.example");
    }
}
