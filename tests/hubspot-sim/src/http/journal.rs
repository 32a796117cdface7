//! The webhooks journal, its files and its subscriptions. Calls have no budget.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::shell::{Head, Reply, Shell, decode};
use crate::errors::ApiError;
use crate::state::Sim;
use crate::state::journal::{FILES, Place, Subscription};

const READ: &str = "developer.webhooks_journal.read";
const LIST: &str = "developer.webhooks_journal.subscriptions.read";
const CHANGE: &str = "developer.webhooks_journal.subscriptions.write";

/// All routes, by their whole path.
pub fn routes() -> Router<Shell> {
    let mut router = Router::new().route(&format!("{FILES}/{{key}}"), get(file));
    for version in ["2026-03", "2026-09"] {
        let entries = Router::new()
            .route("/earliest", get(earliest))
            .route("/latest", get(latest))
            .route("/offset/{offset}/next", get(next))
            .route("/batch/earliest/{count}", get(batch_earliest))
            .route("/batch/latest/{count}", get(batch_latest))
            .route("/batch/{offset}/next/{count}", get(batch_next))
            .route("/batch/read", post(batch_read));
        let subscriptions = Router::new()
            .route("/", get(list).post(subscribe))
            .route("/{id}", get(read).delete(unsubscribe))
            .route("/portals/{portal_id}", delete(unsubscribe_portal));
        router = router
            .nest(&format!("/webhooks-journal/journal/{version}"), entries)
            .nest(
                &format!("/webhooks-journal/subscriptions/{version}"),
                subscriptions,
            );
    }
    router
}

#[derive(Debug, Deserialize)]
struct Offsets {
    inputs: Vec<String>,
}

async fn earliest(State(shell): State<Shell>, head: Head, headers: HeaderMap) -> Response {
    one(&shell, &head, &headers, Place::Earliest).await
}

async fn latest(State(shell): State<Shell>, head: Head, headers: HeaderMap) -> Response {
    one(&shell, &head, &headers, Place::Latest).await
}

async fn next(
    State(shell): State<Shell>,
    Path(offset): Path<String>,
    head: Head,
    headers: HeaderMap,
) -> Response {
    one(&shell, &head, &headers, Place::After(&offset)).await
}

async fn batch_earliest(
    State(shell): State<Shell>,
    Path(count): Path<usize>,
    head: Head,
    headers: HeaderMap,
) -> Response {
    many(&shell, &head, &headers, Place::Earliest, count).await
}

async fn batch_latest(
    State(shell): State<Shell>,
    Path(count): Path<usize>,
    head: Head,
    headers: HeaderMap,
) -> Response {
    many(&shell, &head, &headers, Place::Latest, count).await
}

async fn batch_next(
    State(shell): State<Shell>,
    Path((offset, count)): Path<(String, usize)>,
    head: Head,
    headers: HeaderMap,
) -> Response {
    many(&shell, &head, &headers, Place::After(&offset), count).await
}

async fn batch_read(
    State(shell): State<Shell>,
    head: Head,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (now, base) = (shell.now(), base(&headers));
    shell
        .call_app(&head, READ, |sim| {
            let asked: Offsets = decode(&body)?;
            let (found, missing) = sim.journal_read(&asked.inputs, &base, now);
            let status = if missing.is_empty() { 200 } else { 207 };
            let mut reply = results(&found);
            if !missing.is_empty() {
                reply["numErrors"] = json!(missing.len());
            }
            Ok(Reply::json(status, &reply))
        })
        .await
}

async fn one(shell: &Shell, head: &Head, headers: &HeaderMap, place: Place<'_>) -> Response {
    let (now, base) = (shell.now(), base(headers));
    shell
        .call_app(head, READ, |sim| {
            let entry = sim.journal_entry(place, &base, now)?;
            Ok(entry.map_or_else(Reply::empty, |entry| Reply::json(200, &entry)))
        })
        .await
}

async fn many(
    shell: &Shell,
    head: &Head,
    headers: &HeaderMap,
    place: Place<'_>,
    count: usize,
) -> Response {
    let (now, base) = (shell.now(), base(headers));
    shell
        .call_app(head, READ, |sim| {
            let entries = sim.journal_entries(place, count, &base, now)?;
            Ok(Reply::json(200, &results(&entries)))
        })
        .await
}

/// The file itself, as storage serves it: whoever has the address may read it, and a token is refused.
async fn file(State(shell): State<Shell>, Path(key): Path<String>, head: Head) -> Response {
    let now = shell.now();
    let bears = head.bears_token();
    shell
        .call_openly(&head, |sim| {
            if bears {
                let refusal = "Only one auth mechanism allowed";
                return Err(ApiError::plain(400, refusal));
            }
            Ok(Reply::bytes(200, sim.journal_file(&key, now)?))
        })
        .await
}

async fn list(State(shell): State<Shell>, head: Head) -> Response {
    let all = |sim: &mut Sim| {
        let all: Vec<_> = sim.journal.subscriptions().collect();
        Ok(Reply::json(200, &json!({ "results": all })))
    };
    shell.call_app(&head, LIST, all).await
}

async fn read(State(shell): State<Shell>, Path(id): Path<u64>, head: Head) -> Response {
    let read = |sim: &mut Sim| Ok(Reply::json(200, sim.subscription(id)?));
    shell.call_app(&head, LIST, read).await
}

async fn subscribe(State(shell): State<Shell>, head: Head, body: Bytes) -> Response {
    shell
        .call_app(&head, CHANGE, |sim| {
            let new: Subscription = decode(&body)?;
            Ok(Reply::json(200, &sim.subscribe(new)?))
        })
        .await
}

async fn unsubscribe(State(shell): State<Shell>, Path(id): Path<u64>, head: Head) -> Response {
    let end = |sim: &mut Sim| sim.unsubscribe(id).map(|()| Reply::empty());
    shell.call_app(&head, CHANGE, end).await
}

async fn unsubscribe_portal(
    State(shell): State<Shell>,
    Path(portal_id): Path<u64>,
    head: Head,
) -> Response {
    let end = |sim: &mut Sim| {
        sim.unsubscribe_portal(portal_id);
        Ok(Reply::empty())
    };
    shell.call_app(&head, CHANGE, end).await
}

fn results(entries: &[Value]) -> Value {
    json!({ "status": "COMPLETE", "results": entries })
}

/// The address under which the caller reached the portal.
fn base(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("localhost"))
}
