//! What each operation asks of its caller, read off the parameters of its handler and written into the `OpenAPI`
//! document as `x-permission`.

use axum::extract::State;
use axum::handler::Handler;
use serde_json::Value as Json;
use utoipa::openapi::path::Operation;
use utoipa_axum::router::UtoipaMethodRouter;

use super::permission::Needed;
use super::permitted::Permitted;
use crate::openapi;
use crate::state::AppState;

/// The key in the document.
const KEY: &str = "x-permission";
/// What stands there for operations that anyone may call.
const PUBLIC: &str = "public";

/// The parameters of a handler that names a permission: the caller comes first, or behind the state.
pub trait Asks {
    /// The permission's name.
    const PERMISSION: &'static str;
}

macro_rules! asks {
    ($([$($before:ty)?; $($after:ident)*])+) => {$(
        impl<M, P: Needed, $($after),*> Asks for (M, $($before,)? Permitted<P>, $($after,)*) {
            const PERMISSION: &'static str = P::PERMISSION.word();
        }
    )+};
}

asks! {
    [;]
    [; A]
    [State<AppState>;]
    [State<AppState>; A]
    [State<AppState>; A B]
    [State<AppState>; A B C]
}

/// A route whose handler names a permission.
pub fn guarded<H, T>(_: H, route: UtoipaMethodRouter<AppState>) -> UtoipaMethodRouter<AppState>
where
    H: Handler<T, AppState>,
    T: Asks,
{
    marked(T::PERMISSION, route)
}

/// A route that anyone may call.
pub fn public(route: UtoipaMethodRouter<AppState>) -> UtoipaMethodRouter<AppState> {
    marked(PUBLIC, route)
}

/// Whether anyone may call the operation. One that says nothing is not public.
pub fn is_public(operation: &Operation) -> bool {
    let extensions = operation.extensions.as_ref();
    extensions.and_then(|extensions| extensions.get(KEY)) == Some(&Json::from(PUBLIC))
}

fn marked(
    word: &str,
    (schemas, mut paths, router): UtoipaMethodRouter<AppState>,
) -> UtoipaMethodRouter<AppState> {
    for item in paths.paths.values_mut() {
        for operation in openapi::operations(item) {
            let extensions = operation.extensions.get_or_insert_default();
            extensions.insert(KEY.to_owned(), word.into());
        }
    }
    (schemas, paths, router)
}
