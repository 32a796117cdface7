//! `GET /api/webhooks/{webhookId}/deliveries`: the messages of a webhook.

use axum::Json;
use axum::extract::State;
use partneros_store::DeliveryState;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::DeliveryView;
use crate::api::path::{Path, WebhookPath};
use crate::api::query::{Paging, Query};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Which messages are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// What became of them, such as `dead` for those that were given up; whatever did unless given.
    #[param(value_type = Option<words::DeliveryState>)]
    state: Option<DeliveryState>,
    /// Where to go on: `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many entries at most; 100 unless given, and up to 500.
    limit: Option<usize>,
}

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryPage {
    deliveries: Vec<DeliveryView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// Lists the messages of a webhook, newest first. Those that arrived or were given up are listed for a month, unless set
/// otherwise.
#[utoipa::path(get, path = "/api/webhooks/{webhookId}/deliveries", tag = "webhooks", operation_id = "listWebhookDeliveries",
    params(WebhookPath, Wanted),
    responses(
        (status = 200, description = "A page of messages.", body = DeliveryPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManageWebhooks>,
    Path(path): Path<WebhookPath>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<DeliveryPage>, Problem> {
    let (organization, id) = (caller.organization, path.webhook_id);
    let paging = Paging::new(wanted.cursor, wanted.limit);
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .deliveries(organization, id, wanted.state, cursor, limit)
        .await?;
    Ok(Json(DeliveryPage {
        deliveries: page.items.into_iter().map(DeliveryView::from).collect(),
        next_cursor: page.next,
    }))
}
