//! `GET /api/audit-events`: what was done, newest first.

use axum::Json;
use axum::extract::State;
use partneros_domain::Timestamp;
use partneros_store::AuditEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::query::{Paging, Query};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Which events are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// The beginning of the event's type, such as `plugin.`; all unless given.
    #[serde(rename = "type")]
    prefix: Option<String>,
    /// Where to go on: `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many entries at most; 100 unless given, and up to 500.
    limit: Option<usize>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    events: Vec<EventView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub struct EventView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// By whom: a member's address, a token's name, or `system` for the host itself.
    actor: String,
    /// What, such as `plugin.activated`.
    #[serde(rename = "type")]
    event: String,
    /// To what.
    subject: String,
    /// What else is known.
    #[schema(value_type = Object)]
    metadata: Value,
}

impl From<AuditEvent> for EventView {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: event.id.to_string(),
            at: event.at,
            actor: event.actor,
            event: event.event,
            subject: event.subject,
            metadata: event.metadata,
        }
    }
}

/// Lists what was done, newest first.
#[utoipa::path(get, path = "/api/audit-events", tag = "audit", operation_id = "listAuditEvents",
    params(Wanted),
    responses(
        (status = 200, description = "A page of events.", body = EventPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ReadAudit>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<EventPage>, Problem> {
    let paging = Paging::new(wanted.cursor, wanted.limit);
    let (cursor, limit) = paging.within(&state.limits)?;
    let prefix = wanted.prefix.as_deref();
    let page = state
        .store
        .events(caller.organization, prefix, cursor, limit)
        .await?;
    Ok(Json(EventPage {
        events: page.items.into_iter().map(EventView::from).collect(),
        next_cursor: page.next,
    }))
}
