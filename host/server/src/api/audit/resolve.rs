//! `POST /api/alerts/{alertId}/resolve`: says that the trouble of an alert has ended.

use axum::Json;
use axum::extract::State;

use super::alerts::AlertBody;
use crate::api::path::{AlertPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Says that the trouble of an alert has ended. If it has not, an alert about it opens anew.
#[utoipa::path(post, path = "/api/alerts/{alertId}/resolve", tag = "audit", operation_id = "resolveAlert",
    params(AlertPath),
    responses(
        (status = 200, description = "The alert, resolved.", body = AlertBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::RunSyncs>,
    Path(path): Path<AlertPath>,
) -> Result<Json<AlertBody>, Problem> {
    let act = state.engine.act(&caller.actor);
    let alert = state
        .store
        .resolve_alert(caller.organization, path.alert_id, act)
        .await?;
    Ok(Json(alert.into()))
}
