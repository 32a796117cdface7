//! Property definitions and groups.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use super::shell::{Head, Reply, Shell, decode};
use crate::errors::ApiError;
use crate::limits::Cost;
use crate::state::batch::Batch;
use crate::state::definitions::{GroupBody, NewProperty, PropertyChange};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ReadQuery {
    archived: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BatchNames {
    archived: bool,
    inputs: Vec<Name>,
}

#[derive(Debug, Deserialize)]
struct Name {
    name: String,
}

/// Routes under the family's path.
pub fn routes() -> Router<Shell> {
    Router::new()
        .route("/{object_type}", get(list).post(create))
        .route(
            "/{object_type}/{name}",
            get(read).patch(update).delete(archive),
        )
        .route("/{object_type}/batch/read", post(batch_read))
        .route("/{object_type}/batch/create", post(batch_create))
        .route("/{object_type}/batch/archive", post(batch_archive))
        .route("/{object_type}/groups", get(list_groups).post(create_group))
        .route(
            "/{object_type}/groups/{name}",
            get(read_group).patch(update_group),
        )
}

async fn list(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    Query(query): Query<ReadQuery>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(
                200,
                &sim.list_properties(call, &object_type, query.archived)?,
            ))
        })
        .await
}

async fn create(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let new: NewProperty = decode(&body)?;
            let made = sim.create_property(call, &object_type, &new)?;
            let location = format!(
                "{}/{object_type}/{}",
                call.version.crm("properties"),
                new.name
            );
            Ok(Reply::json(201, &made).at(location))
        })
        .await
}

async fn read(
    State(shell): State<Shell>,
    head: Head,
    Path((object_type, name)): Path<(String, String)>,
    Query(query): Query<ReadQuery>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(
                200,
                &sim.read_property(call, &object_type, &name, query.archived)?,
            ))
        })
        .await
}

async fn update(
    State(shell): State<Shell>,
    head: Head,
    Path((object_type, name)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let change: PropertyChange = decode(&body)?;
            Ok(Reply::json(
                200,
                &sim.update_property(call, &object_type, &name, &change)?,
            ))
        })
        .await
}

async fn archive(
    State(shell): State<Shell>,
    head: Head,
    Path((object_type, name)): Path<(String, String)>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            sim.archive_property(call, &object_type, &name)?;
            Ok(Reply::empty())
        })
        .await
}

async fn batch_read(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: BatchNames = decode(&body)?;
            let (mut results, mut errors) = (Vec::new(), Vec::new());
            for Name { name } in &request.inputs {
                match sim.read_property(call, &object_type, name, request.archived) {
                    Ok(property) => results.push(property),
                    Err(error) if error.status == 404 => errors.push(error),
                    Err(error) => return Err(error),
                }
            }
            Ok(batch_reply(call.now, 200, &results, &errors))
        })
        .await
}

async fn batch_create(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: Batch<NewProperty> = decode(&body)?;
            let (mut results, mut errors) = (Vec::new(), Vec::new());
            for new in &request.inputs {
                match sim.create_property(call, &object_type, new) {
                    Ok(property) => results.push(property),
                    Err(error) if error.status == 403 => return Err(error),
                    Err(error) => errors.push(error),
                }
            }
            Ok(batch_reply(call.now, 201, &results, &errors))
        })
        .await
}

async fn batch_archive(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: BatchNames = decode(&body)?;
            for Name { name } in &request.inputs {
                match sim.archive_property(call, &object_type, name) {
                    Err(error) if error.status != 404 => return Err(error),
                    _ => {}
                }
            }
            Ok(Reply::empty())
        })
        .await
}

async fn list_groups(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(200, &sim.list_groups(call, &object_type)?))
        })
        .await
}

async fn read_group(
    State(shell): State<Shell>,
    head: Head,
    Path((object_type, name)): Path<(String, String)>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(
                200,
                &sim.read_group(call, &object_type, &name)?,
            ))
        })
        .await
}

async fn create_group(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let group: GroupBody = decode(&body)?;
            Ok(Reply::json(
                201,
                &sim.write_group(call, &object_type, &group, false)?,
            ))
        })
        .await
}

async fn update_group(
    State(shell): State<Shell>,
    head: Head,
    Path((object_type, name)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let group = GroupBody {
                name,
                ..decode(&body)?
            };
            Ok(Reply::json(
                200,
                &sim.write_group(call, &object_type, &group, true)?,
            ))
        })
        .await
}

fn batch_reply(
    at: partneros_domain::Timestamp,
    whole: u16,
    results: &[serde_json::Value],
    errors: &[ApiError],
) -> Reply {
    let mut body =
        json!({ "status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at });
    if errors.is_empty() {
        return Reply::json(whole, &body);
    }
    body["numErrors"] = errors.len().into();
    body["errors"] = json!(errors);
    Reply::json(207, &body)
}
