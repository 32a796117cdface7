//! The report on an uploaded component, for people.
//!
//! The host makes the report, here or at the other end of an upload, and this only lays it out: what it is, the numbers,
//! lists as tables, and at the end every problem with its place and what to do. Entries it has no form of its own for are
//! shown under their names, so that a newer host's report is not cut short.

use serde_json::{Map, Value, json};

use super::table;

/// The lists of what is wrong, each entry with `code`, `place` and `message`: with the file, and with calls that were
/// tried.
const PROBLEMS: [&str; 2] = ["problems", "findings"];
/// The list of calls that were tried, which are summed up by function.
const TRIALS: &str = "trials";
/// The longest value that is shown; the rest is for `--json`.
const VALUE_CHARS_MAX: usize = 120;
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
    for (position, problem) in problems(report).iter().enumerate() {
        let said = |key: &str| problem.get(key).and_then(Value::as_str).map(table::plain);
        let code = said("code").unwrap_or_default();
        let places = [said("function"), said("place")];
        let place = places.into_iter().flatten().collect::<Vec<_>>().join(", ");
        line(&mut text, &format!("{}. {code}: `{place}`", position + 1));
        for sentence in ["message", "fix"].into_iter().filter_map(said) {
            line(&mut text, &format!("   {sentence}"));
        }
    }
    text
}

/// What a report says is wrong.
pub(super) fn problems(report: &Value) -> Vec<&Value> {
    let lists = PROBLEMS
        .iter()
        .filter_map(|key| report.get(*key)?.as_array());
    lists.flatten().collect()
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

fn object(entries: &Map<String, Value>, indent: &str, text: &mut String) {
    let entries: Vec<_> = (entries.iter())
        .filter(|(key, value)| !value.is_null() && !PROBLEMS.contains(&key.as_str()))
        .collect();
    let width = (entries.iter())
        .filter(|(_, value)| !nested(value))
        .map(|(key, _)| label(key).chars().count())
        .max()
        .unwrap_or(0);
    for (key, value) in entries {
        let label = label(key);
        let inner_indent = format!("{indent}{INDENT}");
        match value {
            Value::Object(inner) => {
                line(text, &format!("{indent}{label}"));
                object(inner, &inner_indent, text);
            }
            Value::Array(inner) if nested(value) => {
                line(text, &format!("{indent}{label}"));
                if key == TRIALS {
                    list(&summed(inner), &inner_indent, text);
                } else {
                    list(inner, &inner_indent, text);
                }
            }
            value => {
                let value = cut(&shown(key, value));
                line(text, &format!("{indent}{label:<width$}  {value}"));
            }
        }
    }
}

/// For each function and direction the number of calls and the most that one of them took.
fn summed(trials: &[Value]) -> Vec<Value> {
    let mut sums: Vec<Value> = Vec::new();
    for trial in trials {
        let same = |sum: &&mut Value| {
            ["function", "direction"]
                .iter()
                .all(|key| sum.get(*key) == trial.get(*key))
        };
        let took = |key: &str| trial.get(key).and_then(Value::as_f64).unwrap_or(0.0);
        let most = |sum: Option<&Value>, key: &str| {
            let before = sum.and_then(|sum| sum.get(key)?.as_f64()).unwrap_or(0.0);
            before.max(took(key))
        };
        let known = sums.iter_mut().find(same);
        let before = known.as_deref();
        let calls = before
            .and_then(|sum| sum.get("calls")?.as_u64())
            .unwrap_or(0);
        let sum = json!({
            "function": trial.get("function"),
            "direction": trial.get("direction"),
            "calls": calls + 1,
            "fuel": most(before, "fuel") as u64,
            "memoryBytesPeak": most(before, "memoryBytesPeak") as u64,
            "durationMs": most(before, "durationMs"),
        });
        match known {
            Some(known) => *known = sum,
            None => sums.push(sum),
        }
    }
    sums
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!(
            "{}… (all of it with `--json`)",
            text.get(..end).unwrap_or(text)
        ),
        None => text.to_owned(),
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
        text.push_str(indent);
        text.push_str(line);
        text.push('\n');
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
            "trials": [
                {"function": "describe", "case": "nothing", "fuel": 1200, "memoryBytesPeak": 1_200_000, "durationMs": 0.5},
                {"function": "check", "direction": "to-hubspot", "case": "one", "fuel": 9000, "memoryBytesPeak": 65_536, "durationMs": 2.0},
                {"function": "check", "direction": "to-hubspot", "case": "hundred", "fuel": 45_000, "memoryBytesPeak": 1, "durationMs": 0.25},
            ],
            "imports": ["a", "b"],
            "problems": [{"code": "unknown-import", "place": "wasi:http/types", "message": "is refused"}],
            "findings": [{"code": "trapped", "function": "check", "place": "plan", "message": "it crashed"}],
        });
        insta::assert_snapshot!(human(&report), @r"
        sha256   ab12
        world    mapper
        size     65.5 kB
        compile  12.35 ms
        trials
          function  direction   calls  fuel    memory peak  duration
          describe  –           1      1,200   1.2 MB       0.50 ms
          check     to-hubspot  2      45,000  65.5 kB      2.00 ms
        imports  a, b
        1. unknown-import: `wasi:http/types`
           is refused
        2. trapped: `check, plan`
           it crashed
        ");
    }
}
