//! `POST /api/tokens`: makes an API token.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::{EventType, Role, Timestamp};
use partneros_store::ApiToken;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::TokenView;
use crate::api::body::Body;
use crate::api::{handed_over, words};
use crate::auth::{Caller, Permitted, permission, within_reach};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;
use crate::token::{self, InvalidName, LIFETIME_DAYS_MAX, Made, Wanted};

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateToken {
    /// What it is for, in 1 to 100 characters without `@`; the audit log names whoever uses it by this.
    name: String,
    /// What it may do, at most what the caller may.
    #[schema(value_type = words::Role)]
    role: Role,
    /// When it stops working, within ten years; never unless given.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedToken {
    token: TokenView,
    /// The token itself, to be sent as `Authorization: Bearer`. It is not shown again.
    #[serde(serialize_with = "handed_over")]
    #[schema(value_type = String)]
    secret: SecretString,
}

/// A token that cannot be made.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to use `name`: {0}")]
    Name(#[from] InvalidName),
    #[error("failed to use `expiresAt`: it must lie ahead, by at most {LIFETIME_DAYS_MAX} days")]
    ExpiresAt,
    #[error(
        "failed because {max} tokens are the most that an organization may have; delete some, or raise `auth.tokens_max`"
    )]
    TooMany { max: usize },
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::Name(_) | Error::ExpiresAt => (StatusCode::BAD_REQUEST, "invalid_token"),
            Error::TooMany { .. } => (StatusCode::CONFLICT, "too_many_tokens"),
        };
        Self::new(status, code, &error)
    }
}

/// Makes a token. It is its maker's, and goes with them.
#[utoipa::path(post, path = "/api/tokens", tag = "tokens", operation_id = "createToken",
    request_body = CreateToken,
    responses(
        (status = 200, description = "The token.", body = CreatedToken),
        (status = 400, description = "`invalid_token`, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 409, description = "`too_many_tokens`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageTokens>,
    Body(wanted): Body<CreateToken>,
) -> Result<Json<CreatedToken>, Problem> {
    within_reach(&caller, wanted.role)?;
    let wanted = Wanted {
        name: wanted.name.parse().map_err(Error::Name)?,
        member: caller.member,
        role: wanted.role,
        expires_at: wanted.expires_at,
    };
    let (organization, now) = (caller.organization, state.environment.now());
    let lifetime = wanted.expires_at.map(|at| at.millis_since(now));
    if lifetime.is_some_and(|lifetime| !(1..=token::LIFETIME_MS_MAX).contains(&lifetime)) {
        return Err(Error::ExpiresAt.into());
    }
    let max = state.auth.config.tokens_max;
    if state.store.tokens(organization).await?.len() >= max {
        return Err(Error::TooMany { max }.into());
    }
    let (store, environment) = (state.store.as_ref(), state.environment.as_ref());
    let Made { id, secret } = token::create(store, organization, wanted, environment).await?;
    let made = state.store.tokens(organization).await?;
    let made = made.into_iter().find(|token| token.id == id);
    let made = made.ok_or_else(|| Problem::internal("the token was deleted while it was made"))?;
    note(&state, &caller, &made).await?;
    Ok(Json(CreatedToken {
        token: made.into(),
        secret,
    }))
}

async fn note(state: &AppState, caller: &Caller, made: &ApiToken) -> Result<(), Problem> {
    let metadata = json!({"name": made.name, "role": made.role, "expiresAt": made.expires_at});
    let subject = made.id.to_string();
    state
        .engine
        .note(
            caller.organization,
            &caller.actor,
            EventType::TokenCreated,
            &subject,
            metadata,
        )
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use partneros_domain::Role;
    use serde_json::json;

    use crate::api::fixture::TestApi;

    const PATH: &str = "/api/tokens";

    #[tokio::test]
    async fn a_token_is_shown_once_and_is_its_makers() {
        let api = TestApi::new().await;
        let ann = api.session(Role::Admin).await;
        let body =
            json!({"name": "nightly", "role": "viewer", "expiresAt": "2026-12-01T00:00:00Z"});
        let made = ann.post(PATH, body).await.expect(200);
        assert_eq!(made["token"]["member"], "admin@acme.example");
        assert_eq!(made["token"]["expiresAt"], "2026-12-01T00:00:00.000Z");
        let secret = made["secret"].as_str().unwrap();
        let token = api.stranger(secret);
        token.get("/api/objects").await.expect(200);
        token.get(PATH).await.refused(403, "forbidden");
        let listed = ann.get(PATH).await.expect(200);
        assert!(!listed.to_string().contains(secret));
        let events = ann.get("/api/audit-events?type=token.created").await;
        let events = events.expect(200);
        assert!(!events.to_string().contains(secret));
        assert_eq!(events["events"][0]["actor"], "admin@acme.example");
        assert_eq!(events["events"][0]["metadata"]["name"], "nightly");
    }

    #[tokio::test]
    async fn nobody_makes_or_deletes_a_token_above_themselves() {
        let api = TestApi::new().await;
        let admin = api.session(Role::Admin).await;
        let body = json!({"name": "mighty", "role": "owner"});
        admin
            .post(PATH, body.clone())
            .await
            .refused(403, "forbidden");
        let owner = api.session(Role::Owner).await;
        let made = owner.post(PATH, body).await.expect(200);
        let path = format!("{PATH}/{}", made["token"]["id"].as_str().unwrap());
        admin.delete(&path).await.refused(403, "forbidden");
        owner.delete(&path).await.expect(200);
    }

    #[tokio::test]
    async fn what_cannot_be_is_named() {
        let api = TestApi::new().await;
        let acme = api.acme();
        for (name, expires, said) in [
            ("bob@acme.example", "2026-12-01T00:00:00Z", "`name`"),
            ("system", "2026-12-01T00:00:00Z", "`name`"),
            ("ci", "2026-11-23T09:00:00Z", "`expiresAt`"),
            ("ci", "2036-12-01T00:00:00Z", "`expiresAt`"),
        ] {
            let body = json!({"name": name, "role": "viewer", "expiresAt": expires});
            let message = acme.post(PATH, body).await.refused(400, "invalid_token");
            assert!(message.contains(said), "{message}");
        }
    }

    #[tokio::test]
    async fn an_organization_has_so_many_tokens() {
        let mut api = TestApi::new().await;
        api.configure_auth(|config| config.tokens_max = 2);
        let acme = api.acme();
        let body = json!({"name": "ci", "role": "viewer"});
        acme.post(PATH, body.clone()).await.expect(200);
        acme.post(PATH, body).await.refused(409, "too_many_tokens");
    }
}
