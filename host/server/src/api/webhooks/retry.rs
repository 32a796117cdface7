//! `POST /api/webhooks/{webhookId}/deliveries/{deliveryId}/retry`: sends a message again.

use axum::Json;
use axum::extract::State;

use super::DeliveryBody;
use crate::api::path::{DeliveryPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Sends a message now that was given up or waits for its next attempt. One that was given up gets all its attempts again.
#[utoipa::path(post, path = "/api/webhooks/{webhookId}/deliveries/{deliveryId}/retry", tag = "webhooks", operation_id = "retryWebhookDelivery",
    params(DeliveryPath),
    responses(
        (status = 200, description = "The message, which waits to be sent.", body = DeliveryBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`conflict`: it has arrived.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageWebhooks>,
    Path(path): Path<DeliveryPath>,
) -> Result<Json<DeliveryBody>, Problem> {
    let now = state.environment.now();
    let (webhook, message) = (path.webhook_id, path.delivery_id);
    let delivery = state
        .store
        .retry_delivery(caller.organization, webhook, message, now)
        .await?;
    Ok(Json(delivery.into()))
}
