//! The report on an uploaded component, for people.
//!
//! The host makes the report, here or at the other end of an upload, and this only lays it out: what it is, the numbers,
//! lists as tables, and at the end every problem with its place and what to do. Entries it has no form of its own for are
//! shown under their names, so that a newer host's report is not cut short.

use serde_json::{Map, Value};

use super::table;

/// The report's list of problems, each with `code`, `place` and `message`.
const PROBLEMS: &str = "problems";
/// How far the entries of an object within an object are moved to the right.
const INDENT: &str = "  ";

/// The report as text.
pub(super) fn human(report: &Value) -> String {
    let mut text = String::new();
    match report {
        Value::Object(entries) => object(entries, "", &mut text),
        Value::Array(entries) => list(entries, "", &mut text),
        scalar => text = format!("{}\n", shown("", scalar)),
    }
    let problems = problems(report);
    for (position, problem) in problems.iter().enumerate() {
        let said = |key: &str| problem.get(key).and_then(Value::as_str).map(table::plain);
        let place = said("place").unwrap_or_default();
        let code = said("code").unwrap_or_default();
        text.push_str(&format!("{}. {code}: `{place}`\n", position + 1));
        for key in ["message", "fix"] {
            if let Some(sentence) = said(key) {
                text.push_str(&format!("   {sentence}\n"));
            }
        }
    }
    text
}

/// The problems that a report lists.
pub(super) fn problems(report: &Value) -> &[Value] {
    let problems = report.get(PROBLEMS).and_then(Value::as_array);
    problems.map_or(&[], Vec::as_slice)
}

fn object(entries: &Map<String, Value>, indent: &str, text: &mut String) {
    let entries: Vec<_> = (entries.iter())
        .filter(|(key, value)| !value.is_null() && *key != PROBLEMS)
        .collect();
    let width = (entries.iter())
        .filter(|(_, value)| !nested(value))
        .map(|(key, _)| label(key).chars().count())
        .max()
        .unwrap_or(0);
    for (key, value) in entries {
        let label = label(key);
        match value {
            Value::Object(inner) => {
                text.push_str(&format!("{indent}{label}\n"));
                object(inner, &format!("{indent}{INDENT}"), text);
            }
            Value::Array(inner) if nested(value) => {
                text.push_str(&format!("{indent}{label}\n"));
                list(inner, &format!("{indent}{INDENT}"), text);
            }
            value => {
                let line = format!("{indent}{label:<width$}  {}", shown(key, value));
                text.push_str(line.trim_end());
                text.push('\n');
            }
        }
    }
}

/// A table, with a column for each key that an entry has.
fn list(entries: &[Value], indent: &str, text: &mut String) {
    let mut keys: Vec<&String> = Vec::new();
    for key in entries
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Map::keys)
    {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let heading: Vec<_> = keys.iter().map(|key| label(key)).collect();
    let rows: Vec<Vec<String>> = (entries.iter())
        .map(|entry| {
            let cell = |key: &&String| {
                entry
                    .get(key.as_str())
                    .map_or(String::new(), |v| shown(key, v))
            };
            keys.iter().map(cell).collect()
        })
        .collect();
    for line in table::table(&heading, &rows).lines() {
        text.push_str(&format!("{indent}{line}\n"));
    }
}

fn nested(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(entries) => entries.iter().any(Value::is_object),
        _ => false,
    }
}

/// `memoryBytesPeak` as `memory peak`: units stand with the number.
fn label(key: &str) -> String {
    let mut words = String::new();
    for character in key.chars() {
        if character.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    let kept = words
        .split(' ')
        .filter(|word| !["bytes", "ms"].contains(word));
    let kept = kept.collect::<Vec<_>>().join(" ");
    if kept.is_empty() {
        "size".to_owned()
    } else {
        table::plain(&kept)
    }
}

fn shown(key: &str, value: &Value) -> String {
    let number = value.as_f64();
    let of_unit = |unit: &str| {
        let lower = key.to_ascii_lowercase();
        lower == unit || lower.ends_with(unit) || key.contains(&title(unit))
    };
    match (value, number) {
        (Value::Null, _) => "–".to_owned(),
        (Value::String(text), _) => table::plain(text),
        (Value::Array(entries), _) => {
            let entries: Vec<_> = entries.iter().map(|entry| shown(key, entry)).collect();
            entries.join(", ")
        }
        (_, Some(number)) if of_unit("bytes") => table::bytes(number.max(0.0) as u64),
        (_, Some(number)) if key.ends_with("Ms") => format!("{number:.2} ms"),
        (Value::Number(number), _) => match number.as_u64() {
            Some(number) => table::count(number),
            None => number.to_string(),
        },
        (other, _) => table::plain(&other.to_string()),
    }
}

fn title(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_reads_from_what_it_is_to_what_is_wrong() {
        let report = json!({
            "sha256": "ab12",
            "world": "mapper",
            "sizeBytes": 65_536,
            "compileMs": 12.345,
            "functions": [
                {"function": "describe", "fuel": 1200, "memoryBytesPeak": 1_200_000},
                {"function": "transform", "fuel": 45_000},
            ],
            "imports": ["a", "b"],
            "problems": [{"code": "unknown-import", "place": "wasi:http/types", "message": "is refused"}],
        });
        insta::assert_snapshot!(human(&report), @r"
        sha256   ab12
        world    mapper
        size     65.5 kB
        compile  12.35 ms
        functions
          function   fuel    memory peak
          describe   1,200   1.2 MB
          transform  45,000
        imports  a, b
        1. unknown-import: `wasi:http/types`
           is refused
        ");
    }
}
