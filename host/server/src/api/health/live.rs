//! `GET /healthz`: the process answers.

use axum::Json;

use crate::api::Success;

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "live",
    responses((status = 200, description = "The process answers.", body = Success)))]
pub async fn handle() -> Json<Success> {
    Json(Success::YES)
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_live_process_answers_anyone() {
        let api = TestApi::new().await;
        let answer = api.anyone().get("/healthz").await;
        assert_eq!(
            (answer.status, &answer.json["success"]),
            (200, &true.into())
        );
    }
}
