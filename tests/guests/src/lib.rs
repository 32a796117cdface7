//! Components that misbehave, and files that are no components, as bytes.
//!
//! The guests are the examples of the package `guest-components`, each compiled to a component by the
//! build script; [`ALL`] lists them, so that a test can insist on an expectation for every one. The
//! other files are made by [`files`].

pub mod files;

include!(concat!(env!("OUT_DIR"), "/guests.rs"));
