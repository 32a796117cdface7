//! Custom object types.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::shell::{Head, Reply, Shell, decode};
use crate::limits::Cost;
use crate::state::schemas::NewSchema;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    archived: bool,
}

/// Routes under the family's path.
pub fn routes() -> Router<Shell> {
    Router::new()
        .route("/", get(list).post(create))
        .route("/{object_type}", get(read).delete(archive))
}

async fn list(State(shell): State<Shell>, head: Head, Query(query): Query<ListQuery>) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(200, &sim.list_schemas(call, query.archived)?))
        })
        .await
}

async fn create(State(shell): State<Shell>, head: Head, body: Bytes) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let new: NewSchema = decode(&body)?;
            Ok(Reply::json(201, &sim.create_schema(call, &new)?))
        })
        .await
}

async fn read(State(shell): State<Shell>, head: Head, Path(object_type): Path<String>) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(200, &sim.read_schema(call, &object_type)?))
        })
        .await
}

async fn archive(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            sim.archive_schema(call, &object_type)?;
            Ok(Reply::empty())
        })
        .await
}
