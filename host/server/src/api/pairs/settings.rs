//! What holds for the settings of every pair, whether it is being made or changed.

use axum::http::StatusCode;
use partneros_domain::{MatchKey, ObjectSchema, Thresholds};

use crate::problem::{Detail, Problem};

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to use the pair's settings as they are; each detail names what to change")]
struct Invalid;

/// Checks the settings against both schemas; all that is wrong is one problem.
pub(super) fn check(
    object: &ObjectSchema,
    hubspot: &ObjectSchema,
    match_key: Option<&MatchKey>,
    thresholds: Option<Thresholds>,
) -> Result<(), Problem> {
    let mut details = Vec::new();
    if let Some(key) = match_key {
        details.extend(known("matchKey.field", key.field.as_str(), object));
        details.extend(known("matchKey.property", key.property.as_str(), hubspot));
    }
    if let Some(Thresholds {
        auto_mapped,
        suggested,
    }) = thresholds
    {
        let sound = (0.0..=1.0).contains(&suggested)
            && (0.0..=1.0).contains(&auto_mapped)
            && suggested <= auto_mapped;
        if !sound {
            let fragment = "thresholds are from 0 to 1, and `suggested` is at most `autoMapped`";
            details.push(Detail::of_field(
                "thresholds",
                "invalid_thresholds",
                fragment,
            ));
        }
    }
    if details.is_empty() {
        return Ok(());
    }
    Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_pair", &Invalid).with_details(details))
}

fn known(setting: &str, name: &str, schema: &ObjectSchema) -> Option<Detail> {
    let fragment = || format!("object `{}` has no field `{name}`", schema.name);
    let unknown = schema.field(name).is_none();
    unknown.then(|| Detail::of_field(setting, "unknown_field", &fragment()))
}
