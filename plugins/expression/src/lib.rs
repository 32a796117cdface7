//! Transforms written as one expression of the Common Expression Language (CEL) for each direction.
//!
//! The functions of world `transformer` are plain Rust functions here, so that they are tested and
//! measured natively; only a build for WebAssembly exports them from a component. They are pure:
//! equal arguments give equal answers. What authors may write is in `README.md` beside this crate,
//! whose every example is a test.

pub mod bindings;
#[cfg(target_arch = "wasm32")]
mod component;
mod describe;
#[cfg(test)]
mod fixtures;
mod helpers;
mod inspect;
mod options;
mod outcome;
mod program;
mod rule;
mod scope;
#[cfg(test)]
mod tests;
mod transform;

pub use describe::describe;
pub use transform::{check, transform};
