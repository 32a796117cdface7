//! `GET /readyz`: the database answers, it can be written, and the host is not about to stop.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use partneros_sync::describe;

use crate::api::Success;
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A host that should get no requests.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed because the host is shutting down")]
    Stopping,
    #[error("failed to read from the database")]
    Database(#[source] partneros_store::Error),
    #[error("failed because the last use of the database did: {0}")]
    Disk(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Stopping => "stopping",
            Error::Database(_) | Error::Disk(_) => "not_ready",
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, &error).caused_by(describe(&error))
    }
}

/// The host can serve.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "ready",
    responses(
        (status = 200, description = "The host can serve.", body = Success),
        (status = 503, description = "`stopping` or `not_ready`: send requests elsewhere.", body = ErrorBody),
    ))]
pub async fn handle(State(state): State<AppState>) -> Result<Json<Success>, Problem> {
    if state.jobs.is_stopping() {
        return Err(Error::Stopping.into());
    }
    // A look-up by index that finds nothing: the cheapest question that the database itself must answer.
    state
        .store
        .token_holder(&[0; 32], state.environment.now())
        .await
        .map_err(Error::Database)?;
    match state.store.trouble() {
        Some(trouble) => Err(Error::Disk(trouble).into()),
        None => Ok(Json(Success::YES)),
    }
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn a_host_that_stops_is_not_ready() {
        let api = TestApi::new().await;
        assert_eq!(api.anyone().get("/readyz").await.status, 200);
        api.state.jobs.finish().await;
        api.anyone().get("/readyz").await.refused(503, "stopping");
    }
}
