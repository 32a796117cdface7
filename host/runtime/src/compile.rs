//! Turns a validated component into machine code.
//!
//! The only place that compiles, so that it can move into a process of its own with limits on memory
//! and time: until then, what a component may cost is bounded by [`crate::UploadLimits`] alone.

use wasmtime::Engine;
use wasmtime::component::Component;

/// A component that validates and still does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("compile the component: {reason}")]
pub struct CompileError {
    /// What the compiler says.
    pub reason: String,
}

/// Compiles a component whose bytes passed validation.
pub fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, CompileError> {
    Component::from_binary(engine, bytes).map_err(|error| CompileError {
        reason: format!("{error:#}"),
    })
}
