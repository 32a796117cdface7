//! `GET /api/plugins`: the organization's plugins.

use axum::Json;
use axum::extract::State;
use partneros_domain::{Digest, Timestamp};
use partneros_store::PluginEntry;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::query::{Paging, Query};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of plugins.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginPage {
    plugins: Vec<PluginView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// A plugin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Plugin)]
pub struct PluginView {
    /// The name.
    name: String,
    /// How many versions there are.
    versions: u64,
    /// The newest, by sha256.
    #[schema(value_type = String)]
    latest: Digest,
    /// Those that run somewhere, by sha256.
    #[schema(value_type = Vec<String>)]
    active: Vec<Digest>,
    /// When its first version was uploaded.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<PluginEntry> for PluginView {
    fn from(entry: PluginEntry) -> Self {
        Self {
            name: entry.name,
            versions: entry.versions,
            latest: entry.latest,
            active: entry.active,
            created_at: entry.created_at,
        }
    }
}

/// Lists the organization's plugins in the order they were made.
#[utoipa::path(get, path = "/api/plugins", tag = "plugins", operation_id = "listPlugins",
    params(Paging),
    responses(
        (status = 200, description = "A page of plugins.", body = PluginPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Query(paging): Query<Paging>,
) -> Result<Json<PluginPage>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .plugins(caller.organization, cursor, limit)
        .await?;
    Ok(Json(PluginPage {
        plugins: page.items.into_iter().map(PluginView::from).collect(),
        next_cursor: page.next,
    }))
}
