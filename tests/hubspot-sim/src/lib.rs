//! A faithful HubSpot portal for tests: a pure state machine behind an HTTP shell.
//!
//! [`Sim`] is the portal: records, search index, properties, pipelines, owners, OAuth, budgets and faults. It reads no
//! clock and no global randomness, so equal seeds and calls give equal answers. [`Server`] puts it behind HTTP on a port
//! of this machine, [`SimPortal`] behind the trait that the sync engine talks to. What people do in HubSpot is in
//! [`admin`] for Rust and under `/__sim` over HTTP.
//!
//! Where HubSpot's behaviour could not be confirmed, the choice made is marked `Unverified` in the code.

// A refusal says much and is rare; boxing it would burden every operation and every test that looks at it.
#![allow(clippy::result_large_err)]

pub mod admin;
mod clock;
pub mod config;
pub mod errors;
pub mod faults;
mod handle;
pub mod http;
pub mod limits;
pub mod oauth;
mod seed;
mod server;
pub mod state;

pub use clock::Clock;
pub use config::{App, Config, Consent, Limits, MergeMode, RefreshMode, Tier};
pub use errors::ApiError;
pub use faults::{ArmedFault, Fault, FaultPlan};
pub use handle::SimPortal;
pub use server::{Server, StartError};
pub use state::journal::Action;
pub use state::{
    ApiVersion, Call, Counts, Kind, RecordView, Sim, Source, Values, Write, WriteKind,
};
