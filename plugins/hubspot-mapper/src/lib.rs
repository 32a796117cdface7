//! The default mapper between PartnerOS objects and HubSpot objects.
//!
//! The three functions of world `mapper` are plain Rust functions here, so that they are tested and
//! measured natively; only a build for WebAssembly exports them from a component. They are pure:
//! nothing is remembered between calls, and equal arguments give equal answers.

pub mod bindings;
#[cfg(target_arch = "wasm32")]
mod component;
mod describe;
mod suggest;
mod transform;

pub use describe::describe;
pub use suggest::suggest;
pub use transform::{check, transform};
