//! `POST /api/alerts/{alertId}/acknowledge`: says that somebody looks after an alert.

use axum::Json;
use axum::extract::State;

use super::alerts::AlertBody;
use crate::api::path::{AlertPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Says that the caller looks after an alert. It goes on until its trouble ends; one that was acknowledged before stays as it is.
#[utoipa::path(post, path = "/api/alerts/{alertId}/acknowledge", tag = "audit", operation_id = "acknowledgeAlert",
    params(AlertPath),
    responses(
        (status = 200, description = "The alert, acknowledged.", body = AlertBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
        (status = 409, description = "`conflict`: it is resolved already.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::RunSyncs>,
    Path(path): Path<AlertPath>,
) -> Result<Json<AlertBody>, Problem> {
    let act = state.engine.act(&caller.actor);
    let alert = state
        .store
        .acknowledge_alert(caller.organization, path.alert_id, act)
        .await?;
    Ok(Json(alert.into()))
}
