//! The sync engine: discovers a portal's schema, suggests and checks mappings, pulls, decides, pushes, schedules.
//!
//! It talks to HubSpot through [`partneros_hubspot::Portal`], to the store through [`partneros_store::Store`], and to
//! mappers through [`partneros_runtime::Plugin`]. Time and randomness come from an [`Environment`].
//!
//! Invariants: a page's effects and the cursor behind it are one commit; a value moves only by a decision of
//! [`partneros_domain::decide`]; HubSpot is read right before it is written; a create can be repeated.

mod absorb;
mod access;
mod alerts;
mod audit;
mod brake;
mod bundle;
mod discovery;
mod draft;
mod drift;
mod engine;
mod environment;
mod error;
mod housekeeping;
mod http_portals;
mod journal;
mod judge;
mod key_property;
pub mod mistakes;
mod pair_plan;
mod pass;
mod plugins;
mod portals;
mod presence;
mod pull;
mod push;
mod removed_options;
mod row;
mod scheduler;
mod send;
mod settings;
mod setup;
mod standing;
mod strangers;
mod tally;
mod trail;
mod trial;
mod tug;
mod watch;

pub use access::unopened;
pub use bundle::{
    Bundle, BundledPlugin, BundledSettings, Comparison, Fixture, FixtureDifference, MappingChange,
    SettingChange,
};
pub use engine::{Begun, Engine, Parts, describe};
pub use environment::Environment;
pub use error::{Error, MappingProblem};
pub use http_portals::{HttpPortals, PortalsConfig};
pub use journal::{JournalReader, JournalSettings, journal_refusal};
pub use plugins::{
    Both, BuiltIn, Chosen, Example, FailedRow, FieldDifference, Mapper, Outcome, Plugins, Proof,
    Sample, ShadowReport, SplitPlan, Tryout, TryoutRow,
};
pub use portals::{Hold, Portals};
pub use removed_options::RemovedOption;
pub use settings::{AlertSettings, AuditSettings, BrakeSettings, SyncSettings};
pub use setup::{Activation, SuggestedMapping};
pub use trail::SYSTEM;
