//! `PATCH /api/members/{memberId}`: changes a member's role.

use axum::Json;
use axum::extract::State;
use partneros_domain::{EventType, Role};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::MemberBody;
use crate::api::body::Body;
use crate::api::path::{MemberPath, Path};
use crate::api::words;
use crate::auth::{Permitted, permission, within_reach};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What a member becomes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMember {
    /// The new role, at most the caller's own.
    #[schema(value_type = words::Role)]
    role: Role,
}

/// Changes a member's role, which counts at once.
#[utoipa::path(patch, path = "/api/members/{memberId}", tag = "members", operation_id = "updateMember",
    params(MemberPath), request_body = UpdateMember,
    responses(
        (status = 200, description = "The member.", body = MemberBody),
        (status = 400, description = "`invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`conflict`: the last owner stays one; or the role changed meanwhile.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageMembers>,
    Path(path): Path<MemberPath>,
    Body(update): Body<UpdateMember>,
) -> Result<Json<MemberBody>, Problem> {
    let (organization, id) = (caller.organization, path.member_id);
    let before = state.store.member(organization, id).await?;
    within_reach(&caller, before.role)?;
    within_reach(&caller, update.role)?;
    let after = state
        .store
        .set_role(organization, id, before.role, update.role)
        .await?;
    let metadata = json!({"memberId": id, "from": before.role, "to": after.role});
    let event = EventType::MemberRoleChanged;
    state
        .engine
        .note(organization, &caller.actor, event, &after.email, metadata)
        .await?;
    Ok(Json(after.into()))
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_role_counts_at_once_and_is_written_down() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Owner).await;
        let bob = api.person("bob@acme.example", Role::Viewer).await;
        let seen = api.sign_in("bob@acme.example").await;
        seen.get("/api/members").await.refused(403, "forbidden");
        let path = format!("/api/members/{}", bob.id);
        let answer = ann.patch(&path, json!({"role": "admin"})).await.expect(200);
        assert_eq!(answer["member"]["role"], "admin");
        seen.get("/api/members").await.expect(200);
        let events = ann.get("/api/audit-events?type=member.role_changed").await;
        let event = events.expect(200)["events"][0].clone();
        assert_eq!(event["actor"], "owner@acme.example");
        assert_eq!(event["subject"], "bob@acme.example");
        assert_eq!(event["metadata"]["from"], "viewer");
        assert_eq!(event["metadata"]["to"], "admin");
    }

    #[tokio::test]
    async fn only_owners_make_and_change_owners() {
        let api = TestApi::new().await;
        let owner = api.person("owner@acme.example", Role::Owner).await;
        let viewer = api.person("viewer@acme.example", Role::Viewer).await;
        let admin = api.session(Role::Admin).await;
        let of = |id| format!("/api/members/{id}");
        let make = admin.patch(&of(viewer.id), json!({"role": "owner"})).await;
        let message = make.refused(403, "forbidden");
        assert!(message.contains("`owner`"), "{message}");
        let lower = admin.patch(&of(owner.id), json!({"role": "viewer"})).await;
        lower.refused(403, "forbidden");
        admin.delete(&of(owner.id)).await.refused(403, "forbidden");
        let make = admin.patch(&of(viewer.id), json!({"role": "admin"})).await;
        make.expect(200);
    }

    #[tokio::test]
    async fn the_last_owner_stays() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Owner).await;
        let members = ann.get("/api/members").await.expect(200);
        let path = format!(
            "/api/members/{}",
            members["members"][0]["id"].as_str().unwrap()
        );
        let message = ann
            .patch(&path, json!({"role": "admin"}))
            .await
            .refused(409, "conflict");
        assert!(message.contains("last owner"), "{message}");
        ann.delete(&path).await.refused(409, "conflict");
        api.person("bob@acme.example", Role::Owner).await;
        ann.patch(&path, json!({"role": "admin"})).await.expect(200);
    }
}
