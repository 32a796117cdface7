//! All routes, on one screen, and the layers around them.
//!
//! From the outside in: name and log the request, write the body of what went wrong (`answer`); see changes through when
//! the caller hangs up; turn panics into answers; do what is sent twice once; limit bodies.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{
    audit, audits, auth, changes, detached, health, integrations, invitations, mappings, members,
    objects, pairs, plugins, records, repeatable, request, runs, tokens, webhooks,
};
use crate::auth::access;
use crate::metrics;
use crate::openapi;
use crate::pages;
use crate::state::AppState;

/// A route whose handler says whom it takes.
macro_rules! guarded {
    ($($handler:tt)+) => { access::guarded($($handler)+, routes!($($handler)+)) };
}

/// A route that anyone may call.
macro_rules! public {
    ($($handler:tt)+) => { access::public(routes!($($handler)+)) };
}

/// The API as a service.
pub fn router(state: AppState) -> Router {
    let (router, document) = parts();
    router
        .route(openapi::PATH, openapi::route(&document))
        .merge(pages::reference(openapi::PATH))
        .route(metrics::PATH, get(metrics::handle))
        .route(pages::INTEGRATIONS, get(pages::integrations))
        .route(pages::INVITATION, get(pages::invitation))
        .fallback(request::unknown_route)
        .method_not_allowed_fallback(request::unknown_method)
        .layer(DefaultBodyLimit::max(state.limits.body_bytes_max))
        .layer(from_fn_with_state(state.clone(), repeatable::once))
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
        .routes(public!(health::live::handle))
        .routes(public!(health::ready::handle))
        .routes(guarded!(objects::list::handle))
        .routes(guarded!(objects::get::handle))
        .routes(guarded!(records::list::handle))
        .routes(guarded!(records::create::handle))
        .routes(guarded!(records::batch::handle))
        .routes(guarded!(records::get::handle))
        .routes(guarded!(records::update::handle))
        .routes(guarded!(records::delete::handle))
        .routes(guarded!(integrations::list::handle))
        .routes(guarded!(integrations::connect::handle))
        .routes(public!(integrations::callback::handle))
        .routes(guarded!(integrations::private_app::handle))
        .routes(guarded!(integrations::status::handle))
        .routes(guarded!(integrations::health::handle))
        .routes(guarded!(integrations::schema::handle))
        .routes(guarded!(integrations::refresh::handle))
        .routes(guarded!(integrations::disconnect::handle))
        .routes(guarded!(pairs::list::handle))
        .routes(guarded!(pairs::create::handle))
        .routes(guarded!(pairs::get::handle))
        .routes(guarded!(pairs::update::handle))
        .routes(guarded!(pairs::delete::handle))
        .routes(guarded!(pairs::activate::handle))
        .routes(guarded!(pairs::pause::handle))
        .routes(guarded!(pairs::summary::handle))
        .routes(guarded!(pairs::brake::get::handle))
        .routes(guarded!(pairs::brake::approve::handle))
        .routes(guarded!(pairs::brake::discard::handle))
        .routes(guarded!(pairs::bundle::export::handle))
        .routes(guarded!(pairs::bundle::import::handle))
        .routes(guarded!(pairs::bundle::compare::handle))
        .routes(guarded!(mappings::suggest::handle))
        .routes(guarded!(mappings::list::handle))
        .routes(guarded!(mappings::replace::handle))
        .routes(guarded!(mappings::confirm::handle))
        .routes(guarded!(mappings::update::handle))
        .routes(guarded!(mappings::round_trip::handle))
        .routes(guarded!(mappings::try_out::handle))
        .routes(guarded!(mappings::removed_options::handle))
        .routes(guarded!(runs::start::handle))
        .routes(guarded!(runs::list::handle))
        .routes(guarded!(runs::get::handle))
        .routes(guarded!(runs::conflicts::handle))
        .routes(guarded!(runs::failures::handle))
        .routes(guarded!(runs::retry::handle))
        .routes(guarded!(audits::start::handle))
        .routes(guarded!(audits::list::handle))
        .routes(guarded!(detached::list::handle))
        .routes(guarded!(detached::release::handle))
        .routes(guarded!(plugins::list::handle))
        .routes(guarded!(plugins::upload::handle))
        .routes(guarded!(plugins::pull::handle))
        .routes(guarded!(plugins::versions::handle))
        .routes(guarded!(plugins::get::handle))
        .routes(guarded!(plugins::delete::handle))
        .routes(guarded!(plugins::quarantine::handle))
        .routes(guarded!(plugins::release::handle))
        .routes(guarded!(plugins::logs::handle))
        .routes(guarded!(plugins::bindings::handle))
        .routes(guarded!(plugins::bind::handle))
        .routes(guarded!(plugins::roll_back::handle))
        .routes(guarded!(plugins::unbind::handle))
        .routes(guarded!(plugins::shadow::handle))
        .routes(guarded!(plugins::promote::handle))
        .routes(guarded!(plugins::shadow_report::handle))
        .routes(guarded!(plugins::usage::handle))
        .routes(guarded!(plugins::keys::handle))
        .routes(guarded!(plugins::key_add::handle))
        .routes(guarded!(plugins::key_delete::handle))
        .routes(guarded!(changes::list::handle))
        .routes(guarded!(changes::stream::handle))
        .routes(guarded!(audit::events::handle))
        .routes(guarded!(audit::alerts::handle))
        .routes(guarded!(audit::acknowledge::handle))
        .routes(guarded!(audit::resolve::handle))
        .merge(routes_of_people())
}

/// Who may come in, and who is told.
fn routes_of_people() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(public!(auth::sign_in::handle))
        .routes(guarded!(auth::sign_out::handle))
        .routes(guarded!(auth::sign_out_everywhere::handle))
        .routes(guarded!(auth::session::handle))
        .routes(guarded!(auth::active_organization::handle))
        .routes(guarded!(auth::password::handle))
        .routes(guarded!(members::list::handle))
        .routes(guarded!(members::update::handle))
        .routes(guarded!(members::delete::handle))
        .routes(guarded!(invitations::create::handle))
        .routes(guarded!(invitations::list::handle))
        .routes(guarded!(invitations::delete::handle))
        .routes(public!(invitations::accept::handle))
        .routes(guarded!(tokens::create::handle))
        .routes(guarded!(tokens::list::handle))
        .routes(guarded!(tokens::delete::handle))
        .routes(guarded!(webhooks::list::handle))
        .routes(guarded!(webhooks::create::handle))
        .routes(guarded!(webhooks::get::handle))
        .routes(guarded!(webhooks::update::handle))
        .routes(guarded!(webhooks::delete::handle))
        .routes(guarded!(webhooks::rotate::handle))
        .routes(guarded!(webhooks::send_test::handle))
        .routes(guarded!(webhooks::deliveries::handle))
        .routes(guarded!(webhooks::retry::handle))
}
