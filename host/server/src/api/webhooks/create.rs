//! `POST /api/webhooks`: makes a webhook.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::EventType;
use partneros_store::{NewWebhook, WebhookId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{WebhookWithSecret, check, noted, subject};
use crate::api::audit;
use crate::api::body::Body;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;
use crate::webhooks;

/// A webhook to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// Where messages go: `https`, to a public address, unless the host is set up for others.
    url: String,
    /// Which events it is told of: types such as `alert.opened`, or the beginning of some up to a point, such as `alert.`.
    types: Vec<String>,
}

/// More webhooks than an organization may have.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to make a webhook: there are {0} already, as many as there may be; delete one first"
)]
struct TooMany(usize);

impl From<TooMany> for Problem {
    fn from(error: TooMany) -> Self {
        Self::new(StatusCode::CONFLICT, "too_many_webhooks", &error)
    }
}

/// Makes a webhook, and the secret that its messages are signed with, which is shown this once.
#[utoipa::path(post, path = "/api/webhooks", tag = "webhooks", operation_id = "createWebhook",
    request_body = CreateWebhook,
    responses(
        (status = 200, description = "The webhook with its secret.", body = WebhookWithSecret),
        (status = 400, description = "`invalid_webhook` with every problem, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 409, description = "`too_many_webhooks`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageWebhooks>,
    Body(body): Body<CreateWebhook>,
) -> Result<Json<WebhookWithSecret>, Problem> {
    check(&state, Some(&body.url), Some(&body.types))?;
    let secret = webhooks::new_secret(state.environment.as_ref());
    let new = NewWebhook {
        id: WebhookId(state.environment.new_id()),
        url: body.url,
        types: body.types,
        secret: secret.clone(),
        at: state.environment.now(),
    };
    let max = state.webhooks.webhooks_max;
    let made = state.store.create_webhook(caller.organization, new, max);
    let webhook = made.await.map_err(|error| match error {
        partneros_store::Error::Conflict { .. } => TooMany(max).into(),
        error => Problem::from(error),
    })?;
    let (event, id) = (EventType::WebhookCreated, subject(webhook.id));
    audit::note(&state, &caller, event, &id, noted(&webhook)).await?;
    Ok(Json(WebhookWithSecret::new(webhook, secret)))
}
