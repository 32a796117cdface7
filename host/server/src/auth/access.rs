//! What each operation asks of its caller, read off the parameters of its handler and written into the `OpenAPI`
//! document as `x-permission`.

use axum::extract::State;
use axum::handler::Handler;
use serde_json::Value as Json;
use utoipa::openapi::path::Operation;
use utoipa_axum::router::UtoipaMethodRouter;

use super::permission::Needed;
use super::permitted::Permitted;
use super::session::SignedIn;
use crate::openapi;
use crate::state::AppState;

/// The key in the document.
const KEY: &str = "x-permission";
/// What stands there for operations that anyone may call.
const PUBLIC: &str = "public";

/// What stands there for operations on one's own account.
const SIGNED_IN: &str = "signed_in";

/// Who a handler takes.
pub trait Known {
    /// What the document says about it.
    const WORD: &'static str;
}

impl<P: Needed> Known for Permitted<P> {
    const WORD: &'static str = P::PERMISSION.word();
}

impl Known for SignedIn {
    const WORD: &'static str = SIGNED_IN;
}

/// The parameters of a handler that says whom it takes: first, or behind the state.
pub trait Asks {
    /// What the document says about it.
    const WORD: &'static str;
}

macro_rules! asks {
    ($([$($before:ty)?; $($after:ident)*])+) => {$(
        impl<M, K: Known, $($after),*> Asks for (M, $($before,)? K, $($after,)*) {
            const WORD: &'static str = K::WORD;
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
    marked(T::WORD, route)
}

/// A route that anyone may call.
pub fn public(route: UtoipaMethodRouter<AppState>) -> UtoipaMethodRouter<AppState> {
    marked(PUBLIC, route)
}

/// What an operation asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Public,
    /// A session.
    SignedIn,
    /// A session or a token, with the permission that the document names.
    Permission,
}

impl Access {
    /// As the document says. An operation that says nothing is not public.
    pub fn of(operation: &Operation) -> Self {
        let extensions = operation.extensions.as_ref();
        let word = extensions.and_then(|extensions| extensions.get(KEY));
        match word.and_then(Json::as_str) {
            Some(PUBLIC) => Self::Public,
            Some(SIGNED_IN) => Self::SignedIn,
            _ => Self::Permission,
        }
    }
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
