//! The contract: what is kept and what each operation promises. No engine is named here.

pub mod alerts;
pub mod audit;
pub mod brakes;
pub mod changes;
pub mod condition;
pub mod connections;
pub mod former_links;
pub mod health;
pub mod held;
pub mod idempotency;
pub mod journals;
pub mod keys;
pub mod members;
pub mod organizations;
pub mod pair_audits;
pub mod pairs;
pub mod plugin_activity;
pub mod plugins;
pub mod records;
pub mod runs;
pub mod schemas;
pub mod sessions;
pub mod sync;
pub mod webhooks;
