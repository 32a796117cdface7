//! Who calls, and what they may do.
//!
//! A handler names the permission that it needs in its signature, as [`Permitted`]; the `OpenAPI` document takes it from
//! there ([`access`]), so that the two cannot differ. What each role may do is the domain's table.
//!
//! Invariant: a handler learns its organization from [`Permitted`] and from nowhere else.

pub mod access;
mod caller;
pub mod permission;
mod permitted;
mod rate;

pub use caller::Caller;
pub use permitted::Permitted;
pub use rate::RateLimits;
