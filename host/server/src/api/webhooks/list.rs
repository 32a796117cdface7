//! `GET /api/webhooks`: the webhooks.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::WebhookView;
use crate::auth::{Permitted, permission};
use crate::problem::Problem;
use crate::state::AppState;

/// All webhooks of the organization; there are few.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookList {
    webhooks: Vec<WebhookView>,
}

/// Lists the webhooks, oldest first.
#[utoipa::path(get, path = "/api/webhooks", tag = "webhooks", operation_id = "listWebhooks",
    responses((status = 200, description = "The webhooks.", body = WebhookList)))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageWebhooks>,
) -> Result<Json<WebhookList>, Problem> {
    let webhooks = state.store.webhooks(caller.organization).await?;
    Ok(Json(WebhookList {
        webhooks: webhooks.into_iter().map(WebhookView::from).collect(),
    }))
}
