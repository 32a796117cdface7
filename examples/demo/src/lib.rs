//! The demo: a simulated HubSpot portal and the host in one process, and the main job told from connect to quiet.
//!
//! People and integrators act through the portal's pages ([`portal`]) and the host's API ([`api`]); only the judge
//! ([`agreement`]) looks behind both. The order of events is in [`story`].
//!
//! Invariant: what is reported is looked up on both sides after the fact, never taken from what the engine says it did.

pub mod agreement;
pub mod api;
pub mod cast;
pub mod edits;
pub mod expectation;
pub mod files;
pub mod judge;
pub mod links;
pub mod opening;
pub mod options;
pub mod portal;
pub mod progress;
pub mod report;
pub mod rounds;
pub mod script;
pub mod setup;
pub mod stage;
pub mod story;
pub mod table;
pub mod tour;
