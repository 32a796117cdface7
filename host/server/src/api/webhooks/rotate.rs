//! `POST /api/webhooks/{webhookId}/rotate-secret`: replaces a webhook's secret.

use axum::Json;
use axum::extract::State;
use partneros_domain::EventType;
use serde_json::json;

use super::{WebhookWithSecret, subject};
use crate::api::audit;
use crate::api::path::{Path, WebhookPath};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;
use crate::webhooks;

/// Replaces the secret, and shows the new one this once. For a while (a day unless set otherwise) messages are signed with the
/// one before as well.
#[utoipa::path(post, path = "/api/webhooks/{webhookId}/rotate-secret", tag = "webhooks", operation_id = "rotateWebhookSecret",
    params(WebhookPath),
    responses(
        (status = 200, description = "The webhook with its new secret.", body = WebhookWithSecret),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageWebhooks>,
    Path(path): Path<WebhookPath>,
) -> Result<Json<WebhookWithSecret>, Problem> {
    let (organization, id) = (caller.organization, path.webhook_id);
    let secret = webhooks::new_secret(state.environment.as_ref());
    let overlap_ms = i64::from(state.webhooks.secret_overlap_ms);
    let until = state.environment.now().plus_millis(overlap_ms);
    let webhook = state
        .store
        .rotate_webhook_secret(organization, id, secret.clone(), until)
        .await?;
    let (event, metadata) = (
        EventType::WebhookSecretRotated,
        json!({"previousUntil": until}),
    );
    audit::note(&state, &caller, event, &subject(id), metadata).await?;
    Ok(Json(WebhookWithSecret::new(webhook, secret)))
}
