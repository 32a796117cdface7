//! What was done, and what needs a person: the audit log and the alerts.

pub mod acknowledge;
pub mod alerts;
pub mod events;
pub mod resolve;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod tests;

use partneros_domain::EventType;
use serde_json::{Map, Value as Json, json};

use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// Writes down what a caller did.
pub(in crate::api) async fn note(
    state: &AppState,
    caller: &Caller,
    event: EventType,
    subject: &str,
    metadata: Json,
) -> Result<(), Problem> {
    let organization = caller.organization;
    state
        .engine
        .note(organization, &caller.actor, event, subject, metadata)
        .await?;
    Ok(())
}

/// The members of two objects that differ, each with both values.
pub(in crate::api) fn differences(before: &Json, after: &Json) -> Map<String, Json> {
    let (Json::Object(before), Json::Object(after)) = (before, after) else {
        return Map::new();
    };
    let differs = |(name, to): (&String, &Json)| {
        let from = before.get(name).unwrap_or(&Json::Null);
        (from != to).then(|| (name.clone(), json!({"from": from, "to": to})))
    };
    after.iter().filter_map(differs).collect()
}
