//! What is printed: suggestions, conflicts, parked values, the verdict.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::agreement::{Agreement, Listed};
use crate::expectation::{or_nothing, shown};
use crate::setup::{Pair, Suggested};
use crate::table::{Table, count};

/// How many suggestions of each state are shown.
const EXAMPLES: usize = 3;

/// A conflict that the host settled.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    field: String,
    partneros_value: Json,
    hubspot_value: Option<String>,
    winner: String,
    rule: String,
}

/// How many fields were mapped how, and a few of each kind.
pub fn suggestions(pair: &Pair, suggested: &[Suggested]) -> String {
    let of = |state: &str| {
        suggested
            .iter()
            .filter(|entry| entry.state == state)
            .count()
    };
    let heading = format!(
        "{}: {} fields; {} auto-mapped, {} suggested, {} unmapped\n",
        pair.title,
        suggested.len(),
        of("auto_mapped"),
        of("suggested"),
        of("unmapped")
    );
    let mut table = Table::new(["field", "property", "confidence", "state", "because"]);
    for state in ["auto_mapped", "suggested", "unmapped"] {
        let mut entries: Vec<_> = suggested
            .iter()
            .filter(|entry| entry.state == state)
            .collect();
        // What only has another name says more than what has the same.
        entries.sort_by_key(|entry| {
            entry
                .property
                .as_deref()
                .is_none_or(|property| property == entry.field)
        });
        for entry in entries.into_iter().take(EXAMPLES) {
            let candidate = match &entry.property {
                Some(property) => entry
                    .candidates
                    .iter()
                    .find(|candidate| candidate.property == *property),
                None => None,
            };
            let reason = candidate.and_then(|candidate| candidate.reasons.first());
            table.row([
                entry.field.clone(),
                or_nothing(&entry.property),
                entry
                    .property
                    .as_ref()
                    .and(entry.confidence)
                    .map(|sure| format!("{sure:.2}"))
                    .unwrap_or_default(),
                entry.state.replace('_', "-"),
                reason
                    .map(|reason| reason.message.clone())
                    .unwrap_or_default(),
            ]);
        }
    }
    format!("{heading}{table}")
}

/// Conflicts with what lost.
pub fn conflicts(conflicts: &[Conflict]) -> String {
    let mut table = Table::new(["field", "PartnerOS had", "HubSpot had", "winner", "by"]);
    for conflict in conflicts {
        table.row([
            conflict.field.clone(),
            or_nothing(&shown(&conflict.partneros_value)),
            or_nothing(&conflict.hubspot_value),
            conflict.winner.clone(),
            conflict.rule.clone(),
        ]);
    }
    table.to_string()
}

/// What waits for someone to correct it.
pub fn parked(listed: &[(&Pair, Vec<Listed>)]) -> String {
    let all = listed
        .iter()
        .flat_map(|(pair, entries)| entries.iter().map(move |entry| (pair, entry)));
    let lines = all.map(
        |(
            pair,
            Listed {
                field,
                code,
                message,
                hint,
                ..
            },
        )| {
            let field = field.as_deref().unwrap_or("the record");
            format!(
                "  {}, {field}: {message} ({code})\n    hint: {hint}\n",
                pair.object
            )
        },
    );
    lines.collect()
}

/// What the comparison found.
pub fn agreement(pair: &Pair, agreement: &Agreement) -> String {
    let verdict = match agreement.wrong {
        0 => "all agree".to_owned(),
        wrong => format!("{} are WRONG", count(wrong)),
    };
    let but = match agreement.excused {
        0 => String::new(),
        excused => format!(
            ", but for {} that the host lists with a reason",
            count(excused)
        ),
    };
    let (records, values) = (count(agreement.records), count(agreement.values));
    let mut text = format!(
        "  {}: {records} records, {values} values, {verdict}{but}\n",
        pair.title
    );
    for told in &agreement.told {
        text.extend(["    ", told, "\n"]);
    }
    text
}
