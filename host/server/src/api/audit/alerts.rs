//! `GET /api/alerts`: what needs a person.

use axum::Json;
use axum::extract::State;
use partneros_domain::Timestamp;
use partneros_store::{Alert, AlertState, Mark, Severity};
use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Deserializer, Serialize};
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
    /// How far they have come, such as `open,acknowledged` for trouble that goes on; whatever their state unless given.
    #[serde(default, deserialize_with = "states")]
    #[param(value_type = Option<String>)]
    state: Vec<AlertState>,
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
    /// How far it has come.
    #[schema(value_type = words::AlertState)]
    state: AlertState,
    /// What it is about.
    subject: String,
    /// What happened and what to do.
    message: String,
    /// When it was opened last.
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// When somebody acknowledged it; null while nobody has.
    #[schema(value_type = Option<String>, format = DateTime)]
    acknowledged_at: Option<Timestamp>,
    /// Who did, as in the audit log.
    acknowledged_by: Option<String>,
    /// When it was resolved; null while the trouble goes on.
    #[schema(value_type = Option<String>, format = DateTime)]
    resolved_at: Option<Timestamp>,
    /// Who said so, as in the audit log: `system` when the trouble ended.
    resolved_by: Option<String>,
}

/// One alert under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertBody {
    alert: AlertView,
}

impl From<Alert> for AlertBody {
    fn from(alert: Alert) -> Self {
        Self {
            alert: alert.into(),
        }
    }
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> Self {
        let state = alert.state();
        let (acknowledged_at, acknowledged_by) = split(alert.acknowledged);
        let (resolved_at, resolved_by) = split(alert.resolved);
        Self {
            id: alert.id.to_string(),
            kind: alert.kind.name(),
            title: alert.kind.title(),
            severity: alert.severity,
            state,
            subject: alert.subject,
            message: alert.message,
            opened_at: alert.opened_at,
            acknowledged_at,
            acknowledged_by,
            resolved_at,
            resolved_by,
        }
    }
}

fn split(mark: Option<Mark>) -> (Option<Timestamp>, Option<String>) {
    mark.map(|mark| (mark.at, mark.by)).unzip()
}

/// Words with commas between them.
fn states<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AlertState>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let state = |word: &str| AlertState::deserialize(word.into_deserializer());
    text.split(',').map(state).collect()
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
        .alerts(caller.organization, &wanted.state, cursor, limit)
        .await?;
    Ok(Json(AlertPage {
        alerts: page.items.into_iter().map(AlertView::from).collect(),
        next_cursor: page.next,
    }))
}
