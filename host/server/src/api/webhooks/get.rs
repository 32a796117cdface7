//! `GET /api/webhooks/{webhookId}`: one webhook.

use axum::Json;
use axum::extract::State;

use super::WebhookBody;
use crate::api::path::{Path, WebhookPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Shows a webhook, and how its messages fare.
#[utoipa::path(get, path = "/api/webhooks/{webhookId}", tag = "webhooks", operation_id = "getWebhook",
    params(WebhookPath),
    responses(
        (status = 200, description = "The webhook.", body = WebhookBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageWebhooks>,
    Path(path): Path<WebhookPath>,
) -> Result<Json<WebhookBody>, Problem> {
    let webhook = state
        .store
        .webhook(caller.organization, path.webhook_id)
        .await?;
    Ok(Json(webhook.into()))
}
