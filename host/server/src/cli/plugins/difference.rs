//! How an answer differs from the expected one, a line for each difference.

use serde_json::{Map, Value};

/// The most differences that are told; a wrong column has one for each row.
const DIFFERENCES_MAX: usize = 20;

/// The differences between two answers in the form of a golden case; none when they are equal.
pub(super) fn between(expected: &Map<String, Value>, found: &Map<String, Value>) -> Vec<String> {
    let mut differences = Vec::new();
    match (expected.is_empty(), found.is_empty()) {
        (true, true) => {}
        (true, false) => differences.push("expected that it is declined, got an answer".to_owned()),
        (false, true) => differences.push("expected an answer, it was declined".to_owned()),
        (false, false) => {
            for (key, expected) in expected {
                let found = found.get(key).unwrap_or(&Value::Null);
                compare(key, expected, found, &mut differences);
            }
        }
    }
    let all = differences.len();
    if all > DIFFERENCES_MAX {
        differences.truncate(DIFFERENCES_MAX);
        differences.push(format!("and {} more", all - DIFFERENCES_MAX));
    }
    differences
}

fn compare(key: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    match (key, expected, found) {
        (_, expected, found) if expected == found => {}
        ("columns", Value::Array(expected), Value::Array(found))
            if expected.len() == found.len() =>
        {
            for (position, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare_column(position, expected, found, differences);
            }
        }
        (_, Value::Array(expected), Value::Array(found)) => {
            compare_list(key, expected, found, differences);
        }
        _ => {
            differences.push(format!("- {key}: {expected}"));
            differences.push(format!("+ {key}: {found}"));
        }
    }
}

fn compare_column(position: usize, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    let place = format!("columns[{position}]");
    match (kind(expected), kind(found)) {
        (Some((kind, expected)), Some((found_kind, found)))
            if kind == found_kind && expected.len() == found.len() =>
        {
            for (row, (expected, found)) in expected.iter().zip(found).enumerate() {
                if expected != found {
                    differences.push(format!("{place}, row {row}: - {expected}  + {found}"));
                }
            }
        }
        _ if expected == found => {}
        _ => {
            differences.push(format!("- {place}: {expected}"));
            differences.push(format!("+ {place}: {found}"));
        }
    }
}

/// The one entry of a column: its kind and its cells.
fn kind(column: &Value) -> Option<(&str, &[Value])> {
    let (kind, cells) = column.as_object()?.iter().next()?;
    Some((kind, cells.as_array()?))
}

/// What is only here, what is only there, or that the order differs.
fn compare_list(key: &str, expected: &[Value], found: &[Value], differences: &mut Vec<String>) {
    let before = differences.len();
    let only_in = |one: &[Value], other: &[Value]| {
        let mut rest = other.to_vec();
        let mut only = Vec::new();
        for entry in one {
            match rest.iter().position(|candidate| candidate == entry) {
                Some(position) => {
                    rest.swap_remove(position);
                }
                None => only.push(entry.clone()),
            }
        }
        only
    };
    let missing = only_in(expected, found);
    differences.extend(missing.iter().map(|entry| format!("- {key}: {entry}")));
    let unexpected = only_in(found, expected);
    differences.extend(unexpected.iter().map(|entry| format!("+ {key}: {entry}")));
    if differences.len() == before {
        differences.push(format!("{key}: the same entries in another order"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences(expected: &Value, found: &Value) -> Vec<String> {
        between(expected.as_object().unwrap(), found.as_object().unwrap())
    }

    #[test]
    fn a_cell_is_told_by_its_place() {
        let expected = json!({"columns": [{"text": ["a", "b"]}], "failures": [[0, 1, "x"]]});
        let found = json!({"columns": [{"text": ["a", null]}], "failures": [[0, 1, "y"]]});
        assert_eq!(
            differences(&expected, &found),
            [
                "columns[0], row 1: - \"b\"  + null",
                "- failures: [0,1,\"x\"]",
                "+ failures: [0,1,\"y\"]",
            ]
        );
        assert!(differences(&expected, &expected).is_empty());
    }

    #[test]
    fn declined_is_no_answer() {
        let answer = json!({"columns": [], "failures": []});
        assert_eq!(
            differences(&json!({}), &answer),
            ["expected that it is declined, got an answer"]
        );
        assert_eq!(
            differences(&answer, &json!({})),
            ["expected an answer, it was declined"]
        );
    }

    #[test]
    fn order_and_kind_count() {
        assert_eq!(
            differences(
                &json!({"problems": [[0, "a"], [1, "b"]]}),
                &json!({"problems": [[1, "b"], [0, "a"]]})
            ),
            ["problems: the same entries in another order"]
        );
        assert_eq!(
            differences(
                &json!({"columns": [{"integer": [null]}]}),
                &json!({"columns": [{"number": [null]}]})
            )
            .len(),
            2
        );
    }
}
