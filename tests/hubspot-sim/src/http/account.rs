//! What the account says of itself.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::shell::{Head, Reply, Shell};
use crate::limits::Cost;

/// Routes under the family's path.
pub fn routes() -> Router<Shell> {
    Router::new()
        .route("/details", get(details))
        .route("/api-usage/daily/private-apps", get(daily_usage))
}

async fn details(State(shell): State<Shell>, head: Head) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(200, &sim.account_details(call)))
        })
        .await
}

async fn daily_usage(State(shell): State<Shell>, head: Head) -> Response {
    shell
        .call(head, Cost::Other, |sim, call| {
            Ok(Reply::json(200, &sim.daily_usage(call)))
        })
        .await
}
