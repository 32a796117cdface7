//! `PATCH /api/webhooks/{webhookId}`: changes a webhook.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use partneros_store::WebhookPatch;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{WebhookBody, check, looked_after, noted, subject};
use crate::api::audit;
use crate::api::body::Body;
use crate::api::path::{Path, WebhookPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// What to change about a webhook; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateWebhook {
    /// Another place for messages, also for those that wait.
    #[serde(default)]
    url: Option<String>,
    /// Other events to be told of.
    #[serde(default)]
    types: Option<Vec<String>>,
    /// Whether messages are sent. One that is enabled again begins with those that wait.
    #[serde(default)]
    enabled: Option<bool>,
}

/// Changes a webhook, or enables it again.
#[utoipa::path(patch, path = "/api/webhooks/{webhookId}", tag = "webhooks", operation_id = "updateWebhook",
    params(WebhookPath), request_body = UpdateWebhook,
    responses(
        (status = 200, description = "The webhook as it is now.", body = WebhookBody),
        (status = 400, description = "`invalid_webhook` with every problem, `invalid_json` or `invalid_body`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageWebhooks>,
    Path(path): Path<WebhookPath>,
    Body(body): Body<UpdateWebhook>,
) -> Result<Json<WebhookBody>, Problem> {
    let (organization, id) = (caller.organization, path.webhook_id);
    let before = state.store.webhook(organization, id).await?;
    check(&state, body.url.as_deref(), body.types.as_deref())?;
    let change = WebhookPatch {
        url: body.url,
        types: body.types,
        enabled: body.enabled,
    };
    let now = state.environment.now();
    let webhook = state
        .store
        .update_webhook(organization, id, change, now)
        .await?;
    if body.enabled == Some(true) {
        looked_after(&state, &caller, id).await?;
    }
    let mut changed = audit::differences(&noted(&before), &noted(&webhook));
    if before.url != webhook.url {
        changed.insert("url".to_owned(), json!("differs"));
    }
    let (event, metadata) = (EventType::WebhookUpdated, json!({"changed": changed}));
    audit::note(&state, &caller, event, &subject(id), metadata).await?;
    Ok(Json(webhook.into()))
}
