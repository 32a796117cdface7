//! Runs mapper components: validates what was uploaded, compiles and caches it, and calls it under limits.
//!
//! A component gets no capability: no files, no network, no environment, a clock that stands still and
//! randomness that repeats. It runs in a fresh instance for each call, so nothing of one tenant reaches
//! another, and its answer is checked before anyone sees it. Values are not judged here: whether text
//! is a known choice, or a number finite, is for [`partneros_domain::Value::checked`].
//!
//! Everything blocks. Call it from threads that may block, never from those of an async runtime.
//! Invariant: whatever a guest does ends as a [`CallError`] or a [`Rejected`], never as a panic, a hang
//! or unbounded memory of the host.

mod cache;
mod call;
mod compile;
mod compose;
mod config;
mod contract;
mod engine;
mod exports;
mod inspect;
mod meter;
mod output;
mod pace;
mod plan;
mod plugin;
mod runtime;
mod since_0_1;
#[cfg(feature = "test-contract")]
mod since_0_2;
mod slots;
mod validate;
mod wasi;
mod world;

pub use call::{CallError, CallFailure, Called, Function, Usage};
pub use compile::{CompileError, compile_child_main};
pub use compose::ComposeError;
pub use config::{Allocation, CallLimits, CompilerConfig, RuntimeConfig, UploadLimits};
pub use contract::ContractVersion;
pub use engine::StartError;
pub use inspect::{Finding, Inspection, InspectionProblem, Outcome, Trial};
pub use output::InvalidOutput;
pub use partneros_domain::{Digest, InvalidDigest};
pub use plan::{InvalidPlan, PreparedPlan};
pub use plugin::Plugin;
pub use runtime::{LoadError, Runtime};
pub use validate::{Rejected, Rejection, RejectionCode, Tool, Validated};
pub use world::World;
