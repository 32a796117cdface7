//! `GET /api/changes`: the changes after a cursor.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ChangeView;
use crate::api::query::{Paging, Query};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Changes in the order they were made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangesBody {
    changes: Vec<ChangeView>,
    /// Where to read on, now or when more has changed; null while nothing ever changed.
    next_cursor: Option<String>,
    /// Whether there is more now.
    has_more: bool,
}

/// Lists records that changed after a cursor, from the beginning without one, in the order of their last change. A record
/// that changed several times since is listed once, as it is now. Keep `nextCursor`, and ask again with it.
#[utoipa::path(get, path = "/api/changes", tag = "changes", operation_id = "listChanges",
    params(Paging),
    responses(
        (status = 200, description = "The changes.", body = ChangesBody),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Query(paging): Query<Paging>,
) -> Result<Json<ChangesBody>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let one_more = limit.saturating_add(1);
    let mut changes = state
        .store
        .changes(caller.organization, cursor, one_more)
        .await?;
    let has_more = changes.len() > limit;
    changes.truncate(limit);
    let last = changes.last().map(|change| change.position.clone());
    Ok(Json(ChangesBody {
        next_cursor: last.or_else(|| cursor.map(ToOwned::to_owned)),
        changes: changes.into_iter().map(ChangeView::from).collect(),
        has_more,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn whoever_keeps_the_cursor_misses_nothing() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let empty = acme.get("/api/changes").await.expect(200);
        assert_eq!(
            empty,
            json!({"changes": [], "nextCursor": null, "hasMore": false})
        );
        let (one, two) = (
            acme.make_partner("One").await,
            acme.make_partner("Two").await,
        );
        let first = acme.get("/api/changes?limit=1").await.expect(200);
        assert_eq!(first["hasMore"], true);
        assert_eq!(first["changes"][0]["recordId"], one.as_str());
        assert_eq!(first["changes"][0]["record"]["fields"]["name"], "One");
        let path = format!("/api/records/partners/{one}");
        acme.patch(&path, json!({"fields": {"name": "Uno"}}))
            .await
            .expect(200);
        acme.send(
            axum::http::Method::DELETE,
            &format!("/api/records/partners/{two}"),
            &[],
            None,
        )
        .await;
        let cursor = first["nextCursor"].as_str().unwrap();
        let next = acme
            .get(&format!("/api/changes?cursor={cursor}"))
            .await
            .expect(200);
        assert_eq!(next["changes"].as_array().unwrap().len(), 2);
        assert_eq!(next["changes"][0]["record"]["fields"]["name"], "Uno");
        assert_eq!(next["changes"][1]["kind"], "deleted");
        assert_eq!(next["changes"][1]["record"], json!(null));
        let end = next["nextCursor"].as_str().unwrap();
        let rest = acme
            .get(&format!("/api/changes?cursor={end}"))
            .await
            .expect(200);
        assert_eq!(
            rest,
            json!({"changes": [], "nextCursor": end, "hasMore": false})
        );
        acme.get("/api/changes?cursor=x")
            .await
            .refused(400, "invalid_cursor");
    }
}
