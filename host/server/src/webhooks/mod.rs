//! Webhooks: audit events, sent to where an organization wants to be told of them.
//!
//! The store writes messages in the transaction of their event; what is here sends them, as the Standard Webhooks
//! specification says, until they arrive or have failed for a day. An organization's admins choose the addresses, so this is
//! where the host could be led to ones that only it can reach.
//!
//! Invariant: a connection goes to an address that was found public right before, unless the configuration allows others; no
//! redirect is followed, no proxy asked, and nothing of an answer but its status is kept. Secrets and addresses are in no
//! log.

mod address;
mod config;
mod delivery;
#[cfg(test)]
mod fixture;
mod probe;
#[cfg(test)]
mod reach_tests;
mod resolver;
mod sender;
mod signature;
#[cfg(test)]
mod tests;

pub use self::address::{InvalidUrl, checked};
pub use self::config::WebhooksConfig;
pub use self::delivery::Deliveries;
pub use self::probe::Probe;
pub use self::sender::SetupError;
pub use self::signature::new_secret;
