//! Records: list, read, create, update, archive, merge, search, batches.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use super::associations;
use super::shell::{Head, Reply, Shell, decode};
use crate::limits::Cost;
use crate::state::Values;
use crate::state::batch::{Batch, BatchRead, RecordChange, RecordRef};
use crate::state::merge::MergeRequest;
use crate::state::objects::{NewRecord, Show};
use crate::state::search::SearchRequest;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ReadQuery {
    limit: Option<usize>,
    after: Option<String>,
    properties: Option<String>,
    properties_with_history: Option<String>,
    associations: Option<String>,
    archived: bool,
    id_property: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Change {
    properties: Values,
}

/// Routes under the family's path.
pub fn routes() -> Router<Shell> {
    Router::new()
        .route("/{object_type}", get(list).post(create))
        .route(
            "/{object_type}/{id}",
            get(read).patch(update).delete(archive),
        )
        .route("/{object_type}/merge", post(merge))
        .route("/{object_type}/gdpr-delete", post(gdpr_delete))
        .route("/{object_type}/search", post(search))
        .route("/{object_type}/batch/read", post(batch_read))
        .route("/{object_type}/batch/create", post(batch_create))
        .route("/{object_type}/batch/update", post(batch_update))
        .route("/{object_type}/batch/upsert", post(batch_upsert))
        .route("/{object_type}/batch/archive", post(batch_archive))
        .merge(associations::singles())
}

impl ReadQuery {
    fn show(&self) -> Show {
        let names = |list: &Option<String>| -> Vec<String> {
            let list = list.as_deref().unwrap_or_default();
            list.split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Show {
            properties: names(&self.properties),
            history: names(&self.properties_with_history),
            associations: names(&self.associations),
        }
    }
}

async fn list(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    Query(query): Query<ReadQuery>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let after = query.after.as_deref();
            let page = sim.list(
                call,
                &object_type,
                query.limit,
                after,
                query.archived,
                &query.show(),
            )?;
            let mut body = json!({ "results": page.records });
            if let Some(after) = page.after {
                let link = format!(
                    "{}/{object_type}?after={after}",
                    call.version.crm("objects")
                );
                body["paging"] = json!({ "next": { "after": after.to_string(), "link": link } });
            }
            Ok(Reply::json(200, &body))
        })
        .await
}

async fn read(
    State(shell): State<Shell>,
    head: Head,
    Path((object_type, id)): Path<(String, String)>,
    Query(query): Query<ReadQuery>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let id_property = query.id_property.as_deref();
            let record = sim.read(
                call,
                &object_type,
                &id,
                id_property,
                query.archived,
                &query.show(),
            )?;
            Ok(Reply::json(200, &record))
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
            let new: NewRecord = decode(&body)?;
            Ok(Reply::json(201, &sim.create(call, &object_type, &new)?))
        })
        .await
}

async fn update(
    State(shell): State<Shell>,
    head: Head,
    Path((object_type, id)): Path<(String, String)>,
    Query(query): Query<ReadQuery>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let change: Change = decode(&body)?;
            let id_property = query.id_property.as_deref();
            Ok(Reply::json(
                200,
                &sim.update(call, &object_type, &id, id_property, &change.properties)?,
            ))
        })
        .await
}

async fn archive(
    State(shell): State<Shell>,
    head: Head,
    Path((object_type, id)): Path<(String, String)>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            sim.archive(call, &object_type, &id)?;
            Ok(Reply::empty())
        })
        .await
}

async fn merge(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: MergeRequest = decode(&body)?;
            Ok(Reply::json(200, &sim.merge(call, &object_type, &request)?))
        })
        .await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GdprDelete {
    object_id: String,
}

async fn gdpr_delete(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: GdprDelete = decode(&body)?;
            sim.erase(call, &object_type, &request.object_id)?;
            Ok(Reply::empty())
        })
        .await
}

async fn search(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Search, |sim, call| {
            let request: SearchRequest = decode(&body)?;
            Ok(Reply::json(200, &sim.search(call, &object_type, &request)?))
        })
        .await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ArchivedQuery {
    archived: bool,
}

async fn batch_read(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    Query(query): Query<ArchivedQuery>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: BatchRead = decode(&body)?;
            let reply = sim.batch_read(call, &object_type, &request, query.archived)?;
            Ok(Reply::json(reply.status(200), &reply))
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
            let request: Batch<NewRecord> = decode(&body)?;
            let reply = sim.batch_create(call, &object_type, &request.inputs)?;
            Ok(Reply::json(reply.status(201), &reply))
        })
        .await
}

async fn batch_update(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: Batch<RecordChange> = decode(&body)?;
            let reply = sim.batch_update(call, &object_type, &request.inputs)?;
            Ok(Reply::json(reply.status(200), &reply))
        })
        .await
}

async fn batch_upsert(
    State(shell): State<Shell>,
    head: Head,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: Batch<RecordChange> = decode(&body)?;
            let reply = sim.batch_upsert(call, &object_type, &request.inputs)?;
            Ok(Reply::json(reply.status(200), &reply))
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
            let request: Batch<RecordRef> = decode(&body)?;
            sim.batch_archive(call, &object_type, &request.inputs)?;
            Ok(Reply::empty())
        })
        .await
}
