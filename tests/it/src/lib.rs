//! The vocabulary of whole-host scenarios: a real host on a real database with the real mapper, a simulated portal over
//! real HTTP, and a clock that tests move by hand.
//!
//! A test reads like a story: `host.organization("acme")`, `organization.pair("partners", "companies")`,
//! `host.person_sets(...)`, `pair.sync()`, `pair.assert_agreement()`.

mod agreement;
mod environment;
mod host;
mod organization;
mod pair;
mod uses;

pub use environment::TestEnvironment;
pub use host::{START, TestHost, plugins, plugins_of};
pub use organization::TestOrganization;
pub use pair::TestPair;
pub use uses::Uses;
