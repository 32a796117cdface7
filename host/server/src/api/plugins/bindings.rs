//! `GET /api/plugins/bindings`: what is bound where.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::BindingView;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// All bindings.
#[derive(Debug, Serialize, ToSchema)]
pub struct Bindings {
    /// The organization's, then connections', then pairs'.
    bindings: Vec<BindingView>,
}

/// Lists what is bound where. What is not bound runs the default mapper.
#[utoipa::path(get, path = "/api/plugins/bindings", tag = "plugins", operation_id = "listBindings",
    responses((status = 200, description = "The bindings.", body = Bindings), (status = 401, description = "`unauthorized`.", body = ErrorBody)))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
) -> Result<Json<Bindings>, Problem> {
    let bindings = state.store.bindings(caller.organization).await?;
    Ok(Json(Bindings {
        bindings: bindings.into_iter().map(BindingView::from).collect(),
    }))
}
