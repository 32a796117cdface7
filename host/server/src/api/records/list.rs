//! `GET /api/records/{object}`: records, page by page.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::RecordView;
use crate::api::objects::schema;
use crate::api::path::{ObjectPath, Path};
use crate::api::query::{Paging, Query};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of records.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordPage {
    records: Vec<RecordView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// Lists records in the order they were made.
#[utoipa::path(get, path = "/api/records/{object}", tag = "records", operation_id = "listRecords",
    params(ObjectPath, Paging),
    responses(
        (status = 200, description = "A page of records.", body = RecordPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
        (status = 404, description = "`unknown_object`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<ObjectPath>,
    Query(paging): Query<Paging>,
) -> Result<Json<RecordPage>, Problem> {
    schema(&path.object)?;
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .records(caller.organization, &path.object, cursor, limit)
        .await?;
    Ok(Json(RecordPage {
        records: page.items.into_iter().map(RecordView::from).collect(),
        next_cursor: page.next,
    }))
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn pages_follow_one_another_to_the_end() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let mut made = Vec::new();
        for name in ["a", "b", "c"] {
            made.push(acme.make_partner(name).await);
        }
        let mut listed = Vec::new();
        let mut path = "/api/records/partners?limit=2".to_owned();
        loop {
            let page = acme.get(&path).await.expect(200);
            for record in page["records"].as_array().unwrap() {
                listed.push(record["id"].as_str().unwrap().to_owned());
            }
            match page["nextCursor"].as_str() {
                Some(cursor) => path = format!("/api/records/partners?limit=2&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(listed, made);
    }

    #[tokio::test]
    async fn bad_pages_are_refused() {
        let api = TestApi::new().await;
        let acme = api.acme();
        for query in ["limit=0", "limit=501", "limit=many", "page=2", "limit=-1"] {
            let answer = acme.get(&format!("/api/records/partners?{query}")).await;
            answer.refused(400, "invalid_query");
        }
        acme.get("/api/records/partners?cursor=nonsense")
            .await
            .refused(400, "invalid_cursor");
        acme.get("/api/records/contacts")
            .await
            .refused(404, "unknown_object");
    }
}
