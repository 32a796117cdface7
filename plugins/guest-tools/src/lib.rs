//! What guests in C and Go need besides their compilers: bindings of the contract, and a component made of
//! the core module that the compiler gives.
//!
//! Everything is done by the crates behind `wit-bindgen` and `wasm-tools`, in the versions that this
//! workspace pins, so that nobody installs those programs. Languages with a toolchain of their own (Rust,
//! JavaScript, Python) need nothing from here.

mod bindings;
mod component;
mod contract;

use std::io;
use std::path::PathBuf;

pub use bindings::{Language, bindings};
pub use component::component;

/// Why there are no bindings or no component.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The WIT files do not parse, or have no such world.
    #[error("read world `{world}` from `{}`: {reason}", wit.display())]
    Contract {
        /// The directory of WIT files.
        wit: PathBuf,
        /// The world.
        world: String,
        /// What is wrong.
        reason: String,
    },
    /// The generator cannot express the world.
    #[error("generate bindings: {reason}")]
    Generate {
        /// Why.
        reason: String,
    },
    /// The core module does not fit the world.
    #[error("make a component: {reason}")]
    Encode {
        /// Why.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("use `{}`: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
}
