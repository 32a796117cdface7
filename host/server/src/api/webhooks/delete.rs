//! `DELETE /api/webhooks/{webhookId}`: deletes a webhook.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;

use super::{looked_after, noted, subject};
use crate::api::path::{Path, WebhookPath};
use crate::api::{Success, audit};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Deletes a webhook with its secret and its messages, those that wait included.
#[utoipa::path(delete, path = "/api/webhooks/{webhookId}", tag = "webhooks", operation_id = "deleteWebhook",
    params(WebhookPath),
    responses(
        (status = 200, description = "The webhook is gone.", body = Success),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageWebhooks>,
    Path(path): Path<WebhookPath>,
) -> Result<Json<Success>, Problem> {
    let (organization, id) = (caller.organization, path.webhook_id);
    let webhook = state.store.webhook(organization, id).await?;
    state.store.delete_webhook(organization, id).await?;
    looked_after(&state, &caller, id).await?;
    let event = EventType::WebhookDeleted;
    audit::note(&state, &caller, event, &subject(id), noted(&webhook)).await?;
    Ok(Json(Success::YES))
}
