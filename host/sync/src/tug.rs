//! Tugs of war: fields that something in HubSpot rewrites after each of our writes.
//!
//! Each turn looks like an edit, and is one where people take turns. So agreements count turns ([`partneros_domain::Tug`]), and
//! when there were many, HubSpot is asked what wrote the property before it is written once more. If it was no person, and it
//! answered each of our writes at once or with nearly the same value, the mapping is paused for that record: both sides
//! keep their value, and the rest of the record goes on. A person ends the pause by having the failures tried again.

use std::collections::{BTreeSet, HashMap};

use partneros_domain::{FieldName, HubSpotId};
use partneros_hubspot::{HISTORY_BATCH_MAX, ObjectHistory, Priority, PropertyVersion};
use partneros_store::{NewFailure, TUG_OF_WAR};

use crate::draft::Draft;
use crate::error::Error;
use crate::mistakes::{Mistake, made};
use crate::pair_plan::Route;
use crate::pass::Pass;

/// What HubSpot says wrote a value that a person typed.
const PERSONS: [&str; 5] = [
    "CRM_UI",
    "CRM_UI_BULK_ACTION",
    "MOBILE_IOS",
    "MOBILE_ANDROID",
    "FORM",
];
/// What HubSpot says wrote a value that came over its API.
const PROGRAMS: [&str; 2] = ["INTEGRATION", "API"];
/// How much two numbers may differ to count as one that was rounded.
const ROUNDED: f64 = 0.01;

/// Takes out of the drafts what must not be written again, and pauses it.
pub async fn hold(pass: &Pass, drafts: &mut [Draft]) -> Result<(), Error> {
    let turns = pass.engine.settings.tug_rewrites_max;
    if turns == 0 || made(Mistake::TugIgnored) {
        return Ok(());
    }
    let suspects: Vec<_> = drafts
        .iter()
        .enumerate()
        .flat_map(|(at, draft)| {
            let suspicious = draft.suspects(&pass.plan, turns).into_iter();
            suspicious.map(move |route| (at, route))
        })
        .collect();
    if suspects.is_empty() {
        return Ok(());
    }
    let history = histories(pass, drafts, &suspects).await?;
    let window_ms = i64::try_from(pass.engine.settings.tug_window_ms).unwrap_or(i64::MAX);
    for (at, position) in suspects {
        let (draft, route) = (&mut drafts[at], &pass.plan.routes[position]);
        let versions = draft
            .hubspot_id()
            .and_then(|id| history.get(&(id, &route.property)));
        let Some(versions) = versions.filter(|versions| !versions.is_empty()) else {
            // Without a history, the turns that were counted are all there is to go by.
            draft.pause(&pass.plan, position, source_text(None));
            continue;
        };
        match rewriter(versions, turns, window_ms) {
            Some(source) => draft.pause(&pass.plan, position, source_text(Some(source))),
            None => draft.clear_of_tug(route),
        }
    }
    Ok(())
}

type Histories<'a> = HashMap<(HubSpotId, &'a FieldName), Vec<PropertyVersion>>;

/// The histories of suspicious properties.
async fn histories<'a>(
    pass: &'a Pass,
    drafts: &[Draft],
    suspects: &[(usize, usize)],
) -> Result<Histories<'a>, Error> {
    let routes = &pass.plan.routes;
    let properties: BTreeSet<_> = suspects
        .iter()
        .map(|(_, route)| &routes[*route].property)
        .collect();
    let wanted: Vec<FieldName> = properties.iter().map(|name| (*name).clone()).collect();
    let ids: BTreeSet<_> = suspects
        .iter()
        .filter_map(|(at, _)| drafts[*at].hubspot_id())
        .collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let mut histories = Histories::new();
    for chunk in ids.chunks(HISTORY_BATCH_MAX) {
        let object = &pass.plan.pair.hubspot_object;
        let read = pass
            .portal
            .read_history(object, &wanted, chunk, Priority::Push)
            .await;
        for ObjectHistory { id, versions } in read.map_err(Error::Push)? {
            let named = properties.iter().copied().zip(versions);
            histories.extend(named.map(|(property, versions)| ((id, property), versions)));
        }
    }
    Ok(histories)
}

/// What rewrote our last writes, up to so many: none if it was a person, or took its time to write something else. `versions`
/// begin with the newest.
fn rewriter(versions: &[PropertyVersion], turns: u32, window_ms: i64) -> Option<&PropertyVersion> {
    let newest = versions.first()?;
    let same = |a: &PropertyVersion, b: &PropertyVersion| {
        a.source_type == b.source_type && a.source_id == b.source_id
    };
    let ours = versions
        .iter()
        .find(|version| PROGRAMS.contains(&&*version.source_type) && !same(version, newest));
    let is_ours = |at: usize| match ours {
        Some(ours) => same(&versions[at], ours),
        // The other side writes through the same app as we: another installation, or another pair.
        None => at % 2 == 1,
    };
    let rewritten = (1..versions.len()).filter(|at| is_ours(*at) && !is_ours(at - 1));
    let mut last = None;
    for at in rewritten.take(turns as usize) {
        let (ours, theirs) = (&versions[at], &versions[at - 1]);
        let soon = theirs.at.millis_since(ours.at) <= window_ms;
        let by_person = PERSONS.contains(&&*theirs.source_type);
        if by_person || !(soon || is_near_miss(ours.value.as_deref(), theirs.value.as_deref())) {
            return None;
        }
        last.get_or_insert(theirs);
    }
    last
}

/// Whether a value is another only in form: case, spaces and punctuation, or a number's last digits.
fn is_near_miss(ours: Option<&str>, theirs: Option<&str>) -> bool {
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return false;
    };
    if let (Ok(ours), Ok(theirs)) = (ours.trim().parse::<f64>(), theirs.trim().parse::<f64>()) {
        return (ours - theirs).abs() <= ROUNDED * ours.abs();
    }
    let letters = |text: &str| {
        let kept = text.chars().filter(|c| c.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect::<String>()
    };
    let ours = letters(ours);
    !ours.is_empty() && ours == letters(theirs)
}

/// What wrote a value, as people read it.
fn source_text(source: Option<&PropertyVersion>) -> String {
    let Some(version) = source else {
        return "something that HubSpot does not name".to_owned();
    };
    let known = [&version.source_label, &version.source_id];
    let named = known.into_iter().flatten().map(|name| format!(" `{name}`"));
    format!("`{}`{}", version.source_type, named.collect::<String>())
}

/// What is listed for a record while one of its fields is paused.
pub fn paused(route: &Route, source: &str) -> NewFailure {
    NewFailure {
        field: Some(route.field.name.clone()),
        property: Some(route.property.clone()),
        code: TUG_OF_WAR.to_owned(),
        message: format!(
            "property `{}` is rewritten after each of our writes by {source}; field `{}` is paused for this record, and both sides keep their value",
            route.property, route.field.name
        ),
        hint: "stop what rewrites the property, or give the mapping the direction `hubspot_to_partneros`, then retry the pair's failures"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use partneros_domain::Timestamp;

    use super::*;

    const WINDOW_MS: i64 = 60_000;

    /// Versions from (seconds, source, value), the newest last.
    fn versions(told: &[(i64, &str, &str)]) -> Vec<PropertyVersion> {
        let version = |(at_s, source, value): &(i64, &str, &str)| {
            let (kind, id) = source.split_once(' ').unwrap_or((source, ""));
            PropertyVersion {
                value: Some((*value).to_owned()),
                at: Timestamp(at_s * 1_000),
                source_type: kind.to_owned(),
                source_id: Some(id.to_owned()),
                source_label: None,
            }
        };
        told.iter().rev().map(version).collect()
    }

    fn found(told: &[(i64, &str, &str)], turns: u32) -> Option<String> {
        let versions = versions(told);
        let found = rewriter(&versions, turns, WINDOW_MS);
        found.map(|version| version.source_type.clone())
    }

    #[test]
    fn what_answers_each_write_at_once_is_found() {
        let told = [
            (0, "IMPORT", "z"),
            (100, "INTEGRATION 7", "a"),
            (110, "AUTOMATION_PLATFORM 5", "b"),
            (500, "INTEGRATION 7", "c"),
            // Two steps of one workflow.
            (503, "AUTOMATION_PLATFORM 5", "d"),
            (504, "AUTOMATION_PLATFORM 5", "e"),
        ];
        assert_eq!(found(&told, 2).as_deref(), Some("AUTOMATION_PLATFORM"));
        let other_app: Vec<_> = told
            .iter()
            .map(|(at, source, value)| match *source {
                "AUTOMATION_PLATFORM 5" => (*at, "INTEGRATION 8", *value),
                source => (*at, source, *value),
            })
            .collect();
        assert_eq!(found(&other_app, 2).as_deref(), Some("INTEGRATION"));
    }

    #[test]
    fn people_and_programs_that_take_their_time_are_not() {
        let by_hand = [
            (100, "INTEGRATION 7", "a"),
            (110, "AUTOMATION_PLATFORM 5", "b"),
            (500, "INTEGRATION 7", "c"),
            (503, "CRM_UI userId:1", "d"),
        ];
        assert_eq!(found(&by_hand, 2), None);
        let later = [
            (100, "INTEGRATION 7", "a"),
            (110, "AUTOMATION_PLATFORM 5", "b"),
            (500, "INTEGRATION 7", "c"),
            (561, "AUTOMATION_PLATFORM 5", "d"),
        ];
        assert_eq!(found(&later, 2), None);
        assert_eq!(found(&[(1, "CRM_UI userId:1", "d")], 2), None);
    }

    #[test]
    fn a_near_miss_is_found_however_late_it_comes() {
        let told = [
            (100, "INTEGRATION 7", "+1 (555) 0100"),
            (9_000, "AUTOMATION_PLATFORM 5", "+15550100"),
        ];
        assert_eq!(found(&told, 1).as_deref(), Some("AUTOMATION_PLATFORM"));
        for (ours, theirs, near) in [
            ("Acme Inc.", "ACME inc", true),
            ("1999.99", "2000", true),
            ("1999.99", "2100", false),
            ("Acme", "Acme Ltd", false),
            ("--", "++", false),
        ] {
            assert_eq!(is_near_miss(Some(ours), Some(theirs)), near, "{ours}");
        }
        assert!(!is_near_miss(None, Some("x")));
    }

    #[test]
    fn another_installation_of_the_same_app_is_found() {
        let told = [
            (100, "INTEGRATION 7", "a"),
            (110, "INTEGRATION 7", "b"),
            (200, "INTEGRATION 7", "a"),
            (210, "INTEGRATION 7", "b"),
        ];
        assert_eq!(found(&told, 2).as_deref(), Some("INTEGRATION"));
    }
}
