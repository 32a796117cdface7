//! A caller who may do what a handler does.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use partneros_domain::{Permission, Role};

use super::caller::Caller;
use super::permission::Needed;
use crate::problem::Problem;
use crate::state::AppState;

/// A caller who has the permission `P`, such as `Permitted<permission::EditRecords>`.
#[derive(Debug)]
pub struct Permitted<P> {
    caller: Caller,
    permission: PhantomData<P>,
}

/// A role that does not allow it.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed because the role `{role}` lacks the permission `{permission}`, which `{}` has; ask an owner or admin",
    .permission.least()
)]
struct Forbidden {
    role: Role,
    permission: Permission,
}

impl From<Forbidden> for Problem {
    fn from(error: Forbidden) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", &error)
    }
}

/// A role above the caller's own.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed because the role `{own}` may not give, take or change the role `{other}`, which is above it"
)]
struct OutOfReach {
    own: Role,
    other: Role,
}

impl From<OutOfReach> for Problem {
    fn from(error: OutOfReach) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", &error)
    }
}

/// Refuses whoever would give, take or change a role above their own.
pub fn within_reach(caller: &Caller, other: Role) -> Result<(), Problem> {
    let own = caller.role;
    if own.may_grant(other) {
        return Ok(());
    }
    Err(OutOfReach { own, other }.into())
}

impl<P: Needed> Permitted<P> {
    fn of(caller: Caller) -> Result<Self, Problem> {
        let (role, permission) = (caller.role, P::PERMISSION);
        if !role.may(permission) {
            return Err(Forbidden { role, permission }.into());
        }
        Ok(Self {
            caller,
            permission: PhantomData,
        })
    }

    /// The same caller as they are now, for answers that go on for long: a token that was deleted or a role that was
    /// taken away ends them.
    pub async fn again(&self, state: &AppState) -> Result<Self, Problem> {
        Self::of(self.caller.again(state).await?)
    }
}

impl<P> Deref for Permitted<P> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<P: Needed> FromRequestParts<AppState> for Permitted<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        Self::of(Caller::from_request_parts(parts, state).await?)
    }
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_role_that_lacks_the_permission_is_told_who_has_it() {
        let api = TestApi::new().await;
        let viewer = api.with_role(Role::Viewer).await;
        viewer.get("/api/records/partners").await.expect(200);
        let body = json!({"fields": {"name": "Acme"}});
        let answer = viewer.post("/api/records/partners", body).await;
        answer.refused(403, "forbidden");
        insta::assert_json_snapshot!("forbidden", answer.json);
    }

    #[tokio::test]
    async fn a_permission_is_asked_for_before_anything_is_read() {
        let api = TestApi::new().await;
        let viewer = api.with_role(Role::Viewer).await;
        let nowhere = "/api/records/nothing";
        viewer
            .post(nowhere, json!([]))
            .await
            .refused(403, "forbidden");
    }
}
