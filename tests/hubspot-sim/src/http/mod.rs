//! The HTTP shell: one file per API family, all versions served by the same handlers.
//!
//! A handler decodes the request, calls one operation of the portal and encodes its result; no rule of HubSpot's lives
//! here. [`shell`] lets calls in, adds headers and applies the faults that strike after a call.

mod account;
mod associations;
mod journal;
mod oauth;
mod objects;
mod owners;
mod pipelines;
mod properties;
mod schemas;
mod shell;
mod sim;

use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::extract::DefaultBodyLimit;

use crate::clock::Clock;
use crate::state::{ApiVersion, Sim};

/// Bytes of a request body.
pub const BODY_BYTES_MAX: usize = 20 * 1024 * 1024;

/// All routes, put together once: simulations make thousands of portals.
static ROUTES: LazyLock<Router<shell::Shell>> = LazyLock::new(routes);

/// All routes of the portal.
pub fn router(sim: Arc<Mutex<Sim>>, clock: Clock) -> Router {
    ROUTES.clone().with_state(shell::Shell::new(sim, clock))
}

fn routes() -> Router<shell::Shell> {
    let mut router = Router::new()
        .merge(oauth::routes())
        .merge(journal::routes())
        .merge(sim::routes());
    for version in ApiVersion::ALL {
        let families = Router::new()
            .nest(&version.crm("objects"), objects::routes())
            .nest(&version.crm("properties"), properties::routes())
            .nest(&version.crm("pipelines"), pipelines::routes())
            .nest(&version.crm("owners"), owners::routes())
            .nest(&version.crm("associations"), associations::batches())
            .nest(
                &format!("/crm-object-schemas/{}/schemas", version.segment()),
                schemas::routes(),
            )
            .nest(
                &format!("/account-info/{}", version.segment()),
                account::routes(),
            )
            .nest(
                &format!("/appinstalls/{}", version.segment()),
                oauth::installs(),
            )
            // The official client asks for owners with a slash at the end.
            .route(&format!("{}/", version.crm("owners")), owners::list_route())
            .layer(axum::Extension(version));
        router = router.merge(families);
    }
    let older = Router::new()
        .nest("/crm/v4/objects", associations::singles())
        .nest("/crm/v4/associations", associations::batches())
        .nest("/crm/v3/schemas", schemas::routes())
        .layer(axum::Extension(ApiVersion::V3));
    router
        .merge(older)
        .fallback(shell::no_such_route)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}
