//! The `partneros` binary as a library: configuration, command line, API and the assembled host.
//!
//! Everything that decides what a value becomes lives further down; here requests are authenticated, checked and
//! answered, and the parts are put together.

pub mod cli;
pub mod config;
pub mod environment;
mod storage;
mod telemetry;
pub mod token;
