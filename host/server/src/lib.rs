//! The `partneros` binary as a library: configuration, command line, API and the assembled host.
//!
//! Everything that decides what a value becomes lives further down; here requests are authenticated, checked and
//! answered, and the parts are put together.

mod api;
mod auth;
pub mod cli;
pub mod config;
mod connect;
pub mod doctor;
pub mod environment;
pub mod host;
pub mod metrics;
mod openapi;
mod pages;
mod problem;
pub mod registry;
pub mod router;
pub mod state;
mod storage;
mod telemetry;
pub mod token;
pub mod webhooks;
