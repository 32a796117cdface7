//! `GET /api/changes/stream`: the changes after a cursor, and then each as it is made, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};
use partneros_domain::Timestamp;
use partneros_store::Change;
use serde::Deserialize;
use utoipa::IntoParams;

use super::ChangeView;
use crate::api::query::Query;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::{AppState, Slot};

/// The header in which a browser or library that connects again names the last event it got.
const LAST_EVENT_ID: &str = "last-event-id";
/// How often the feed is asked for more.
const POLL_TIME: Duration = Duration::from_secs(1);
/// How old what is known of the caller may be. A token that was deleted, or a role that was taken away, ends the stream.
const CALLER_MS_MAX: i64 = 10_000;
/// How often a stream that is silent says that it lives.
const KEEP_ALIVE_TIME: Duration = Duration::from_secs(15);

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// The cursor of the last change that was dealt with; from the beginning unless given. `Last-Event-ID` counts more.
    cursor: Option<String>,
}

/// A stream under way.
struct Feed {
    state: AppState,
    caller: Permitted<permission::View>,
    caller_at: Timestamp,
    cursor: Option<String>,
    ready: VecDeque<Change>,
    // Held while the stream is open.
    _slot: Slot,
}

/// Sends each change as an event `change` whose id is its cursor and whose data is an entry of `GET /api/changes`. A
/// stream ends when the host stops; connect again, and it goes on behind the last event.
#[utoipa::path(get, path = "/api/changes/stream", tag = "changes", operation_id = "streamChanges",
    params(From),
    responses(
        (status = 200, description = "The changes, as `text/event-stream`.", body = String, content_type = "text/event-stream"),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
        (status = 503, description = "`busy`: too many streams are open.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    headers: HeaderMap,
    Query(from): Query<From>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let slot = state.streams.slot()?;
    let last = headers
        .get(LAST_EVENT_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty());
    let mut feed = Feed {
        caller,
        caller_at: state.environment.now(),
        cursor: last.map(ToOwned::to_owned).or(from.cursor),
        ready: VecDeque::new(),
        state,
        _slot: slot,
    };
    // A cursor that is none is told now.
    feed.fill().await?;
    let events = stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok(event), feed))
    });
    let alive = KeepAlive::new().interval(KEEP_ALIVE_TIME);
    Ok(Sse::new(events).keep_alive(alive))
}

impl Feed {
    async fn fill(&mut self) -> Result<(), partneros_store::Error> {
        let limit = self.state.limits.page_entries_default;
        let cursor = self.cursor.as_deref();
        let changes = self
            .state
            .store
            .changes(self.caller.organization, cursor, limit)
            .await?;
        self.ready.extend(changes);
        Ok(())
    }

    async fn check_caller(&mut self) -> Result<(), Problem> {
        let now = self.state.environment.now();
        if now.millis_since(self.caller_at) >= CALLER_MS_MAX {
            self.caller = self.caller.again(&self.state).await?;
            self.caller_at = now;
        }
        Ok(())
    }

    /// The next change; none at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        self.check_caller().await.ok()?;
        while self.ready.is_empty() {
            tokio::select! {
                () = self.state.stop.cancelled() => return None,
                () = tokio::time::sleep(POLL_TIME) => {}
            }
            self.check_caller().await.ok()?;
            let filled = self.fill().await;
            filled
                .inspect_err(|error| {
                    tracing::warn!(
                        error = partneros_sync::describe(error),
                        "a change stream ended"
                    );
                })
                .ok()?;
        }
        let change = self.ready.pop_front()?;
        let cursor = change.position.clone();
        self.cursor = Some(cursor.clone());
        let event = Event::default().event("change").id(cursor);
        event.json_data(ChangeView::from(change)).ok()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use futures::StreamExt as _;
    use partneros_store::Organizations as _;

    use crate::api::fixture::TestApi;

    /// Reads a stream until it holds this many events.
    async fn read(api: &TestApi, events: usize, last: Option<&str>) -> String {
        let headers = last.map(|id| (super::LAST_EVENT_ID, id));
        let headers: Vec<_> = headers.into_iter().collect();
        let path = "/api/changes/stream";
        let acme = api.acme();
        let response = acme.respond(Method::GET, path, &headers, Vec::new()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut body = response.into_body().into_data_stream();
        let mut text = String::new();
        while text.matches("event: change").count() < events {
            let chunk = body.next().await.expect("the stream goes on").unwrap();
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        text
    }

    #[tokio::test]
    async fn a_stream_goes_on_behind_the_last_event() {
        let api = TestApi::new().await;
        let acme = api.acme();
        acme.make_partner("One").await;
        let two = acme.make_partner("Two").await;
        let text = read(&api, 2, None).await;
        assert!(
            text.contains("\"One\"") && text.contains("\"Two\""),
            "{text}"
        );
        let id = text
            .lines()
            .find_map(|line| line.strip_prefix("id: "))
            .unwrap();
        let rest = read(&api, 1, Some(id)).await;
        assert!(rest.contains(&two) && !rest.contains("\"One\""), "{rest}");
    }

    #[tokio::test]
    async fn what_changes_later_is_sent_when_it_does() {
        let api = TestApi::new().await;
        let (text, _) = tokio::join!(read(&api, 1, None), async {
            tokio::time::sleep(super::POLL_TIME / 10).await;
            api.acme().make_partner("Later").await
        });
        assert!(text.contains("Later"), "{text}");
    }

    #[tokio::test]
    async fn a_stream_ends_with_the_token() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let path = "/api/changes/stream";
        let response = acme.respond(Method::GET, path, &[], Vec::new()).await;
        assert_eq!(response.status(), 200);
        let token = api.store.tokens(acme.organization).await.unwrap()[0].id;
        api.store
            .delete_token(acme.organization, token)
            .await
            .unwrap();
        api.environment.wait_ms(super::CALLER_MS_MAX);
        let body = response.into_body();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("event: change"));
    }

    #[tokio::test]
    async fn a_cursor_that_is_none_is_refused() {
        let api = TestApi::new().await;
        let answer = api.acme().get("/api/changes/stream?cursor=x").await;
        answer.refused(400, "invalid_cursor");
    }
}
