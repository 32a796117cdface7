//! Whole-host scenarios, one module a subject; `faults` holds what they let go wrong.

mod agreements;
mod bad_mappers;
mod brake;
mod broken_secrets;
mod bundles;
mod changed_settings;
mod changes_meanwhile;
mod deletes;
mod directions;
mod failures;
mod faults;
mod lost_answers;
mod main_job;
mod matching;
mod merges;
mod mirrors;
mod plugin_failures;
mod plugins;
mod portals;
mod random;
mod random_deletes;
mod schedule;
mod schema;
mod tokens;
mod trouble;
mod tugs;
