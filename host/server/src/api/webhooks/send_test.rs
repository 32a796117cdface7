//! `POST /api/webhooks/{webhookId}/test`: sends a message to try a webhook.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_domain::EventType;
use partneros_store::NewEvent;
use serde_json::json;

use super::{DeliveryBody, subject};
use crate::api::path::{Path, WebhookPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Sends a message of type `webhook.tested`, whatever the webhook is told of, like any other: it waits for its turn, and is sent
/// again when it does not arrive. `GET /api/webhooks/{webhookId}/deliveries` shows what becomes of it.
#[utoipa::path(post, path = "/api/webhooks/{webhookId}/test", tag = "webhooks", operation_id = "testWebhook",
    params(WebhookPath),
    responses(
        (status = 202, description = "The message, which waits to be sent.", body = DeliveryBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`conflict`: the webhook is disabled, or as many messages wait as may.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageWebhooks>,
    Path(path): Path<WebhookPath>,
) -> Result<(StatusCode, Json<DeliveryBody>), Problem> {
    let act = state.engine.act(&caller.actor);
    let event = NewEvent {
        id: act.event,
        at: act.at,
        actor: act.actor,
        event: EventType::WebhookTested,
        subject: subject(path.webhook_id),
        metadata: json!({}),
    };
    let told = state
        .store
        .tell_webhook(caller.organization, path.webhook_id, event)
        .await?;
    Ok((StatusCode::ACCEPTED, Json(told.into())))
}
