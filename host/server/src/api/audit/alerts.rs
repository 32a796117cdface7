//! `GET /api/alerts`: what needs a person.

use axum::Json;
use axum::extract::State;
use partneros_domain::Timestamp;
use partneros_store::{Alert, Severity};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::query::{Paging, Query};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Which alerts are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Whether to list only those that are open; all unless given.
    #[serde(default)]
    open: bool,
    /// Where to go on: `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many entries at most; 100 unless given, and up to 500.
    limit: Option<usize>,
}

/// A page of alerts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertPage {
    alerts: Vec<AlertView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// Something that needs a person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alert)]
pub struct AlertView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// What kind of trouble it is, such as `plugin.quarantined`.
    #[schema(value_type = words::AlertKind)]
    kind: &'static str,
    /// The same for people, such as `Plugin quarantined`.
    title: &'static str,
    /// How urgent it is.
    #[schema(value_type = words::Severity)]
    severity: Severity,
    /// What it is about.
    subject: String,
    /// What happened and what to do.
    message: String,
    /// When it was opened last.
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// When it was resolved; null while it is open.
    #[schema(value_type = Option<String>, format = DateTime)]
    resolved_at: Option<Timestamp>,
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> Self {
        Self {
            id: alert.id.to_string(),
            kind: alert.kind.name(),
            title: alert.kind.title(),
            severity: alert.severity,
            subject: alert.subject,
            message: alert.message,
            opened_at: alert.opened_at,
            resolved_at: alert.resolved_at,
        }
    }
}

/// Lists what needs a person, newest first.
#[utoipa::path(get, path = "/api/alerts", tag = "audit", operation_id = "listAlerts",
    params(Wanted),
    responses(
        (status = 200, description = "A page of alerts.", body = AlertPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<AlertPage>, Problem> {
    let paging = Paging::new(wanted.cursor, wanted.limit);
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .alerts(caller.organization, wanted.open, cursor, limit)
        .await?;
    Ok(Json(AlertPage {
        alerts: page.items.into_iter().map(AlertView::from).collect(),
        next_cursor: page.next,
    }))
}
