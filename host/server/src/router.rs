//! All routes, on one screen, and the layers around them.
//!
//! From the outside in: name and log the request, write the body of what went wrong (`answer`); see changes through when
//! the caller hangs up; turn panics into answers; limit bodies.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{
    audit, changes, health, integrations, mappings, objects, pairs, plugins, records, request,
    runs, webhooks,
};
use crate::openapi;
use crate::pages;
use crate::state::AppState;

/// The API as a service.
pub fn router(state: AppState) -> Router {
    let (router, document) = parts();
    router
        .route("/api/openapi.json", openapi::route(&document))
        .route(pages::INTEGRATIONS, get(pages::integrations))
        .fallback(request::unknown_route)
        .method_not_allowed_fallback(request::unknown_method)
        .layer(DefaultBodyLimit::max(state.limits.body_bytes_max))
        .layer(CatchPanicLayer::custom(request::panicked))
        .layer(from_fn_with_state(state.clone(), request::see_through))
        .layer(from_fn_with_state(state.clone(), request::answer))
        .with_state(state)
}

/// The `OpenAPI` document of the API.
pub fn document() -> OpenApi {
    parts().1
}

fn parts() -> (Router<AppState>, OpenApi) {
    let (router, document) = routes().split_for_parts();
    (router, openapi::completed(document))
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::outline())
        .routes(routes!(health::live::handle))
        .routes(routes!(health::ready::handle))
        .routes(routes!(objects::list::handle))
        .routes(routes!(objects::get::handle))
        .routes(routes!(records::list::handle, records::create::handle))
        .routes(routes!(records::batch::handle))
        .routes(routes!(
            records::get::handle,
            records::update::handle,
            records::delete::handle
        ))
        .routes(routes!(integrations::list::handle))
        .routes(routes!(integrations::connect::handle))
        .routes(routes!(integrations::callback::handle))
        .routes(routes!(integrations::status::handle))
        .routes(routes!(integrations::health::handle))
        .routes(routes!(integrations::schema::handle))
        .routes(routes!(integrations::refresh::handle))
        .routes(routes!(integrations::disconnect::handle))
        .routes(routes!(pairs::list::handle, pairs::create::handle))
        .routes(routes!(
            pairs::get::handle,
            pairs::update::handle,
            pairs::delete::handle
        ))
        .routes(routes!(pairs::activate::handle))
        .routes(routes!(pairs::pause::handle))
        .routes(routes!(pairs::summary::handle))
        .routes(routes!(
            pairs::bundle::export::handle,
            pairs::bundle::import::handle
        ))
        .routes(routes!(pairs::bundle::compare::handle))
        .routes(routes!(mappings::suggest::handle))
        .routes(routes!(mappings::list::handle, mappings::replace::handle))
        .routes(routes!(mappings::confirm::handle))
        .routes(routes!(mappings::update::handle))
        .routes(routes!(mappings::round_trip::handle))
        .routes(routes!(mappings::try_out::handle))
        .routes(routes!(runs::start::handle))
        .routes(routes!(runs::list::handle))
        .routes(routes!(runs::get::handle))
        .routes(routes!(runs::conflicts::handle))
        .routes(routes!(runs::failures::handle))
        .routes(routes!(runs::retry::handle))
        .routes(routes!(plugins::list::handle, plugins::upload::handle))
        .routes(routes!(plugins::pull::handle))
        .routes(routes!(plugins::versions::handle))
        .routes(routes!(plugins::get::handle, plugins::delete::handle))
        .routes(routes!(plugins::quarantine::handle))
        .routes(routes!(plugins::release::handle))
        .routes(routes!(plugins::logs::handle))
        .routes(routes!(plugins::bindings::handle, plugins::bind::handle))
        .routes(routes!(plugins::roll_back::handle))
        .routes(routes!(plugins::unbind::handle))
        .routes(routes!(plugins::shadow::handle))
        .routes(routes!(plugins::promote::handle))
        .routes(routes!(plugins::shadow_report::handle))
        .routes(routes!(plugins::usage::handle))
        .routes(routes!(plugins::keys::handle, plugins::key_add::handle))
        .routes(routes!(plugins::key_delete::handle))
        .routes(routes!(changes::list::handle))
        .routes(routes!(changes::stream::handle))
        .routes(routes!(audit::events::handle))
        .routes(routes!(audit::alerts::handle))
        .routes(routes!(audit::acknowledge::handle))
        .routes(routes!(audit::resolve::handle))
        .routes(routes!(webhooks::list::handle, webhooks::create::handle))
        .routes(routes!(
            webhooks::get::handle,
            webhooks::update::handle,
            webhooks::delete::handle
        ))
        .routes(routes!(webhooks::rotate::handle))
        .routes(routes!(webhooks::send_test::handle))
        .routes(routes!(webhooks::deliveries::handle))
        .routes(routes!(webhooks::retry::handle))
}
