//! Pipelines and their stages.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;

use super::shell::{Head, Reply, Shell};
use crate::limits::Cost;

/// Routes under the family's path.
pub fn routes() -> Router<Shell> {
    Router::new()
        .route("/{object_type}", get(list))
        .route("/{object_type}/{id}", get(read))
        .route("/{object_type}/{id}/stages", get(stages))
}

async fn list(State(shell): State<Shell>, head: Head, Path(object_type): Path<String>) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(200, &sim.list_pipelines(call, &object_type)?))
        })
        .await
}

async fn read(
    State(shell): State<Shell>,
    head: Head,
    Path((object_type, id)): Path<(String, String)>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(
                200,
                &sim.read_pipeline(call, &object_type, &id)?,
            ))
        })
        .await
}

async fn stages(
    State(shell): State<Shell>,
    head: Head,
    Path((object_type, id)): Path<(String, String)>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(200, &sim.list_stages(call, &object_type, &id)?))
        })
        .await
}
