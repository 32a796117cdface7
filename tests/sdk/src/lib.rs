//! The example mapper in every language: built by the one command that its folder documents, and held to
//! the cases in `examples/golden`.
//!
//! [`component`] builds on demand, since some toolchains are large and not on every machine; nothing here
//! installs them (`examples/toolchains.sh` does). Other tests and the bench take components from here too.

mod build;
pub mod golden;
mod language;

pub use build::{NoComponent, component, workspace};
pub use language::Language;
