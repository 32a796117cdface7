//! Owners.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use serde::Deserialize;

use super::shell::{Head, Reply, Shell};
use crate::limits::Cost;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    email: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
    archived: bool,
}

/// Routes under the family's path.
pub fn routes() -> Router<Shell> {
    Router::new()
        .route("/", list_route())
        .route("/{id}", get(read))
}

/// The list alone.
pub fn list_route() -> MethodRouter<Shell> {
    get(list)
}

async fn list(State(shell): State<Shell>, head: Head, Query(query): Query<ListQuery>) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let (email, after) = (query.email.as_deref(), query.after.as_deref());
            Ok(Reply::json(
                200,
                &sim.list_owners(call, email, query.limit, after, query.archived)?,
            ))
        })
        .await
}

async fn read(State(shell): State<Shell>, head: Head, Path(id): Path<String>) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(200, &sim.read_owner(call, &id)?))
        })
        .await
}
