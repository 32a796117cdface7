//! What the audit log says of changed mappings: which fields, and what about them.
//!
//! Options are said to differ and not shown: they may be long, and hold values of records.

use partneros_domain::{EventType, FieldName, Mappings, PairId};
use partneros_store::MappingSet;
use serde_json::{Map, Value as Json, json};

use super::MappingView;
use crate::api::audit;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// Of how many fields it is said what changed; the others are counted.
const FIELDS_SHOWN_MAX: usize = 100;

/// Writes down that a caller put mappings in place of those before.
pub(super) async fn note(
    state: &AppState,
    caller: &Caller,
    event: EventType,
    pair: PairId,
    before: &Mappings,
    saved: &MappingSet,
) -> Result<(), Problem> {
    let mut changed = changes(before, &saved.mappings);
    let count = changed.len();
    changed.truncate(FIELDS_SHOWN_MAX);
    let changed: Map<String, Json> = changed.into_iter().collect();
    let metadata = json!({"version": saved.version, "changedFields": count, "changed": changed});
    audit::note(state, caller, event, &format!("pair {pair}"), metadata).await
}

/// The fields whose mappings differ, with what differs.
fn changes(before: &Mappings, after: &Mappings) -> Vec<(String, Json)> {
    let mut fields: Vec<&FieldName> = after.0.iter().map(|mapping| &mapping.field).collect();
    let gone = before.0.iter().map(|mapping| &mapping.field);
    fields.extend(gone.filter(|field| after.get(field.as_str()).is_none()));
    let change = |field: &FieldName| {
        let (from, to) = (before.get(field.as_str()), after.get(field.as_str()));
        if from == to {
            return None;
        }
        let view = |mapping: Option<&partneros_domain::FieldMapping>| {
            let view = mapping.map(|mapping| MappingView::from(mapping.clone()));
            serde_json::to_value(view).unwrap_or_default()
        };
        Some((field.to_string(), difference(&view(from), &view(to))))
    };
    fields.into_iter().filter_map(change).collect()
}

/// What differs between two mappings of a field, of which one may be null.
fn difference(from: &Json, to: &Json) -> Json {
    if to.is_null() {
        return json!("removed");
    }
    let mut differences = if from.is_null() {
        audit::differences(&json!({}), to)
    } else {
        audit::differences(from, to)
    };
    differences.remove("field");
    if let Some(options) = differences.get_mut("options") {
        *options = json!("differ");
    }
    differences.into()
}
