//! Associations, version 4 and the dated versions.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use serde::Deserialize;

use super::shell::{Head, Reply, Shell, decode};
use crate::limits::Cost;
use crate::state::batch::Batch;
use crate::state::linking::{End, Pair};
use crate::state::objects::AssociationType;
use crate::state::view::Text;

#[derive(Debug, Deserialize)]
struct Parting {
    from: End,
    to: Ends,
}

/// Version 4 sends a list of ends here, the dated versions too.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Ends {
    Many(Vec<End>),
    One(End),
}

/// Routes on single records, under the path of the objects.
pub fn singles() -> Router<Shell> {
    Router::new()
        .route("/{object_type}/{id}/associations/{to}", get(list))
        .route(
            "/{object_type}/{id}/associations/default/{to}/{to_id}",
            put(associate_plainly),
        )
        .route(
            "/{object_type}/{id}/associations/{to}/{to_id}",
            put(associate).delete(part),
        )
}

/// Routes on many pairs, under the family's path.
pub fn batches() -> Router<Shell> {
    Router::new()
        .route("/{from}/{to}/batch/read", post(batch_read))
        .route("/{from}/{to}/batch/create", post(batch_create))
        .route("/{from}/{to}/batch/associate/default", post(batch_create))
        .route("/{from}/{to}/batch/archive", post(batch_archive))
}

async fn list(
    State(shell): State<Shell>,
    head: Head,
    Path((from, id, to)): Path<(String, String, String)>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(
                200,
                &sim.list_associations(call, &from, &id, &to)?,
            ))
        })
        .await
}

async fn associate_plainly(
    State(shell): State<Shell>,
    head: Head,
    Path((from, id, to, to_id)): Path<(String, String, String, String)>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(
                200,
                &sim.associate(call, (&from, &id), (&to, &to_id), &[])?,
            ))
        })
        .await
}

async fn associate(
    State(shell): State<Shell>,
    head: Head,
    Path((from, id, to, to_id)): Path<(String, String, String, String)>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let types: Vec<AssociationType> = decode(&body)?;
            let types: Vec<u16> = types.iter().map(|kind| kind.association_type_id).collect();
            Ok(Reply::json(
                201,
                &sim.associate(call, (&from, &id), (&to, &to_id), &types)?,
            ))
        })
        .await
}

async fn part(
    State(shell): State<Shell>,
    head: Head,
    Path((from, id, to, to_id)): Path<(String, String, String, String)>,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            sim.batch_archive_associations(call, &from, &to, &[(Text(id), Text(to_id))])?;
            Ok(Reply::empty())
        })
        .await
}

async fn batch_read(
    State(shell): State<Shell>,
    head: Head,
    Path((from, to)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: Batch<End> = decode(&body)?;
            let (status, reply) = sim.batch_read_associations(call, &from, &to, &request.inputs)?;
            Ok(Reply::json(status, &reply))
        })
        .await
}

async fn batch_create(
    State(shell): State<Shell>,
    head: Head,
    Path((from, to)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: Batch<Pair> = decode(&body)?;
            let (status, reply) =
                sim.batch_create_associations(call, &from, &to, &request.inputs)?;
            Ok(Reply::json(status, &reply))
        })
        .await
}

async fn batch_archive(
    State(shell): State<Shell>,
    head: Head,
    Path((from, to)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            let request: Batch<Parting> = decode(&body)?;
            let pairs: Vec<(Text, Text)> = request
                .inputs
                .into_iter()
                .flat_map(|parting| {
                    let ends = match parting.to {
                        Ends::Many(ends) => ends,
                        Ends::One(end) => vec![end],
                    };
                    ends.into_iter()
                        .map(move |end| (parting.from.id.clone(), end.id))
                })
                .collect();
            sim.batch_archive_associations(call, &from, &to, &pairs)?;
            Ok(Reply::empty())
        })
        .await
}
