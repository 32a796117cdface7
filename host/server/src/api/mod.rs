//! The endpoints, one a file: its types, its errors with their statuses and codes, its handler, its tests.
//!
//! The modules next to the resources are what every request goes through: [`request`] outside of all handlers, [`body`],
//! [`path`] and [`query`] on the way in. [`words`] names the enumerated values for the `OpenAPI` document.
//!
//! Invariant: what comes from outside is decoded by one of these extractors, so that whatever is wrong with it ends as a
//! JSON answer with a code.

pub mod audit;
pub mod audits;
pub mod auth;
pub mod body;
pub mod changes;
pub mod condition;
pub mod detached;
pub mod health;
pub mod integrations;
pub mod invitations;
pub mod mappings;
pub mod members;
pub mod objects;
pub mod pairs;
pub mod path;
pub mod plugins;
pub mod query;
pub mod records;
pub mod repeatable;
pub mod request;
pub mod runs;
pub mod tokens;
pub mod webhooks;
pub mod words;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

#[cfg(test)]
pub mod fixture;
#[cfg(test)]
mod sweep;

/// The answer of an action that has nothing to show.
#[derive(Debug, Serialize, ToSchema)]
pub struct Success {
    /// Always true; failures have another status.
    success: bool,
}

/// Writes a secret into the answer that hands it over: `#[serde(serialize_with = "handed_over")]`.
fn handed_over<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

impl Success {
    /// It worked.
    pub const YES: Self = Self { success: true };
}
