//! Checks what a plugin returned against what it was asked, and cuts text for people to length.
//!
//! This is about shape: counts, kinds, lengths, positions, names. Values are judged by
//! [`partneros_domain::Value::checked`], one cell at a time, so that one bad value does not cost a batch.

use std::collections::HashSet;

use partneros_domain::plan::{Plan, Problem, Transformed};
use partneros_domain::{Candidate, Description, ObjectSchema, Suggestion};

use crate::config::CallLimits;

/// An answer that breaks the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{place}` {problem}")]
pub struct InvalidOutput {
    /// Where in the answer, as `columns[3]`.
    pub place: String,
    /// What is wrong, to be read after the place: "has 199 rows, the batch has 200".
    pub problem: String,
}

fn invalid<T>(place: impl Into<String>, problem: impl Into<String>) -> Result<T, InvalidOutput> {
    Err(InvalidOutput {
        place: place.into(),
        problem: problem.into(),
    })
}

/// Checks a description.
pub fn description(
    mut description: Description,
    limits: &CallLimits,
) -> Result<Description, InvalidOutput> {
    let kebab = |name: &str| {
        name.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
    };
    if description.name.len() > limits.message_bytes_max || !kebab(&description.name) {
        return invalid("name", "is not a short name in kebab case");
    }
    let version = &description.version;
    if version.is_empty()
        || version.len() > limits.message_bytes_max
        || !version.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return invalid("version", "is not a short version such as `1.4.2`");
    }
    if description.options_schema.len() > limits.options_schema_bytes_max {
        let problem = format!(
            "is longer than `options_schema_bytes_max` = {} bytes",
            limits.options_schema_bytes_max
        );
        return invalid("options-schema", problem);
    }
    let schema = &description.options_schema;
    if !schema.is_empty()
        && serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(schema).is_err()
    {
        return invalid("options-schema", "is neither empty nor a JSON object");
    }
    cut(&mut description.summary, limits.message_bytes_max);
    Ok(description)
}

/// Checks suggestions against the two schemas that they were made for.
pub fn suggestions(
    mut suggestions: Vec<Suggestion>,
    partneros: &ObjectSchema,
    hubspot: &ObjectSchema,
    limits: &CallLimits,
) -> Result<Vec<Suggestion>, InvalidOutput> {
    let fields = names(partneros);
    let properties = names(hubspot);
    let mut seen = HashSet::new();
    for (position, suggestion) in suggestions.iter_mut().enumerate() {
        let place = format!("[{position}]");
        let field = suggestion.field.as_str();
        let Some(field) = fields.get(field) else {
            let problem = format!("names no field of `{}`", partneros.name);
            return invalid(format!("{place}.field"), problem);
        };
        if !seen.insert(*field) {
            return invalid(format!("{place}.field"), "was suggested for before");
        }
        candidates(&mut suggestion.candidates, &place, &properties, limits)?;
    }
    Ok(suggestions)
}

fn names(schema: &ObjectSchema) -> HashSet<&str> {
    schema
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect()
}

fn candidates(
    candidates: &mut Vec<Candidate>,
    place: &str,
    properties: &HashSet<&str>,
    limits: &CallLimits,
) -> Result<(), InvalidOutput> {
    for (position, candidate) in candidates.iter_mut().enumerate() {
        let place = format!("{place}.candidates[{position}]");
        if !properties.contains(candidate.property.as_str()) {
            return invalid(format!("{place}.property"), "names no HubSpot property");
        }
        // Written so that NaN fails it.
        if !(0.0..=1.0).contains(&candidate.confidence) {
            return invalid(format!("{place}.confidence"), "is not from 0 to 1");
        }
        candidate.reasons.truncate(limits.remarks_max);
        for reason in &mut candidate.reasons {
            cut(&mut reason.code, limits.message_bytes_max);
            cut(&mut reason.message, limits.message_bytes_max);
        }
    }
    candidates.truncate(limits.remarks_max);
    Ok(())
}

/// Checks the problems of a plan.
pub fn problems(
    mut problems: Vec<Problem>,
    plan: &Plan,
    limits: &CallLimits,
) -> Result<Vec<Problem>, InvalidOutput> {
    problems.truncate(limits.remarks_max.saturating_mul(plan.rules.len().max(1)));
    for (position, problem) in problems.iter_mut().enumerate() {
        if problem.rule as usize >= plan.rules.len() {
            return invalid(format!("[{position}].rule"), no_rule(problem.rule, plan));
        }
        cut(&mut problem.code, limits.message_bytes_max);
        cut(&mut problem.message, limits.message_bytes_max);
    }
    Ok(problems)
}

fn no_rule(rule: u32, plan: &Plan) -> String {
    format!("is {rule}, the plan has {} rules", plan.rules.len())
}

/// Checks a transformed batch of `rows` records. The cell of a failure becomes "no value", whatever the plugin left
/// there.
pub fn transformed(
    mut transformed: Transformed,
    plan: &Plan,
    rows: usize,
    limits: &CallLimits,
) -> Result<Transformed, InvalidOutput> {
    let count = transformed.columns.len();
    if count != plan.outputs.len() {
        let problem = format!(
            "has {count} columns, the plan has {} outputs",
            plan.outputs.len()
        );
        return invalid("columns", problem);
    }
    for (position, (column, output)) in transformed.columns.iter().zip(&plan.outputs).enumerate() {
        let place = || format!("columns[{position}]");
        let wanted = plan.direction.output_kind(output.data_type);
        if column.kind() != wanted {
            let (wanted, found) = (wanted.as_str(), column.kind().as_str());
            let problem = format!(
                "for `{}` is of `{found}`, must be of `{wanted}`",
                output.name
            );
            return invalid(place(), problem);
        }
        if column.len() != rows {
            let problem = format!(
                "for `{}` has {} rows, the batch has {rows}",
                output.name,
                column.len()
            );
            return invalid(place(), problem);
        }
    }
    failures(&mut transformed, plan, rows, limits)?;
    Ok(transformed)
}

fn failures(
    transformed: &mut Transformed,
    plan: &Plan,
    rows: usize,
    limits: &CallLimits,
) -> Result<(), InvalidOutput> {
    let Transformed { columns, failures } = transformed;
    if failures.len() > plan.rules.len().saturating_mul(rows) {
        let problem = format!("has {} entries, more than there are cells", failures.len());
        return invalid("failures", problem);
    }
    for (position, failure) in failures.iter_mut().enumerate() {
        let Some(rule) = plan.rules.get(failure.rule as usize) else {
            return invalid(
                format!("failures[{position}].rule"),
                no_rule(failure.rule, plan),
            );
        };
        let row = failure.row as usize;
        if row >= rows {
            let problem = format!("is {row}, the batch has {rows} rows");
            return invalid(format!("failures[{position}].row"), problem);
        }
        if let Some(column) = columns.get_mut(rule.output as usize) {
            column.take(row);
        }
        cut(&mut failure.code, limits.message_bytes_max);
        cut(&mut failure.message, limits.message_bytes_max);
    }
    Ok(())
}

/// Cuts text to at most this many bytes, between two characters.
pub fn cut(text: &mut String, bytes_max: usize) {
    text.truncate(text.floor_char_boundary(bytes_max));
}

#[cfg(test)]
mod tests {
    use partneros_domain::plan::{Failure, Rule, TransformDirection};
    use partneros_domain::{Column, DataType, FieldSchema, Reason};

    use super::*;

    fn schema(fields: &[&str]) -> ObjectSchema {
        ObjectSchema {
            name: "partners".to_owned(),
            label: "Partners".to_owned(),
            fields: fields
                .iter()
                .map(|name| FieldSchema::new(*name, name, DataType::Text))
                .collect(),
        }
    }

    fn suggestion(field: &str, candidates: &[(&str, f64)]) -> Suggestion {
        Suggestion {
            field: field.to_owned(),
            candidates: candidates
                .iter()
                .map(|(property, confidence)| Candidate {
                    property: (*property).to_owned(),
                    confidence: *confidence,
                    reasons: vec![Reason {
                        code: "same-name".to_owned(),
                        message: "x".repeat(1_000),
                    }],
                })
                .collect(),
        }
    }

    fn checked(suggested: Vec<Suggestion>) -> Result<Vec<Suggestion>, String> {
        let (partneros, hubspot) = (schema(&["a", "b"]), schema(&["x", "y"]));
        let limits = CallLimits::default();
        suggestions(suggested, &partneros, &hubspot, &limits).map_err(|error| error.to_string())
    }

    #[test]
    fn suggestions_are_of_the_two_schemas() {
        let good = vec![
            suggestion("a", &[("x", 1.0), ("y", 0.5)]),
            suggestion("b", &[]),
        ];
        let good = checked(good).expect("fits");
        assert_eq!(good[0].candidates[0].reasons[0].message.len(), 500);
        let cases = [
            (
                vec![suggestion("c", &[])],
                "`[0].field` names no field of `partners`",
            ),
            (
                vec![suggestion("a", &[]), suggestion("a", &[])],
                "`[1].field` was suggested for before",
            ),
            (
                vec![suggestion("a", &[("z", 1.0)])],
                "`[0].candidates[0].property` names no HubSpot property",
            ),
            (
                vec![suggestion("a", &[("x", 1.5)])],
                "`[0].candidates[0].confidence` is not from 0 to 1",
            ),
        ];
        for (suggested, expected) in cases {
            assert_eq!(checked(suggested), Err(expected.to_owned()));
        }
    }

    fn plan() -> Plan {
        Plan {
            direction: TransformDirection::ToPartnerOs,
            inputs: schema(&["x"]).fields,
            outputs: schema(&["a"]).fields,
            rules: vec![Rule {
                inputs: vec![0],
                output: 0,
                options: String::new(),
            }],
            extra: Vec::new(),
        }
    }

    fn failure(rule: u32, row: u32) -> Failure {
        Failure {
            rule,
            row,
            code: "bad".to_owned(),
            message: "bad".to_owned(),
        }
    }

    fn with_failures(failures: Vec<Failure>) -> Result<Transformed, String> {
        let columns = vec![Column::Text(vec![Some("x".to_owned()), None])];
        let answer = Transformed { columns, failures };
        let limits = CallLimits::default();
        transformed(answer, &plan(), 2, &limits).map_err(|error| error.to_string())
    }

    #[test]
    fn the_cell_of_a_failure_has_no_value() {
        let answer = with_failures(vec![failure(0, 0)]).expect("fits");
        assert_eq!(answer.columns, [Column::Text(vec![None, None])]);
    }

    #[test]
    fn failures_are_of_the_plan_and_the_batch() {
        let cases = [
            (
                vec![failure(1, 0)],
                "`failures[0].rule` is 1, the plan has 1 rules",
            ),
            (
                vec![failure(0, 2)],
                "`failures[0].row` is 2, the batch has 2 rows",
            ),
            (
                vec![failure(0, 0), failure(0, 1), failure(0, 1)],
                "`failures` has 3 entries, more than there are cells",
            ),
        ];
        for (failures, expected) in cases {
            assert_eq!(with_failures(failures), Err(expected.to_owned()));
        }
    }

    #[test]
    fn problems_are_of_the_plan_and_few() {
        let problem = |rule| Problem {
            rule,
            code: "bad".to_owned(),
            message: "bad".to_owned(),
        };
        let limits = CallLimits::default();
        let many = problems(vec![problem(0); 1_000], &plan(), &limits).expect("fits");
        assert_eq!(many.len(), limits.remarks_max);
        let error = problems(vec![problem(1)], &plan(), &limits).expect_err("no such rule");
        assert_eq!(error.to_string(), "`[0].rule` is 1, the plan has 1 rules");
    }

    #[test]
    fn a_description_is_short_and_its_schema_is_json() {
        let described = |name: &str, version: &str, options_schema: &str| {
            let plugin = Description {
                name: name.to_owned(),
                version: version.to_owned(),
                summary: "ä".repeat(1_000),
                options_schema: options_schema.to_owned(),
            };
            description(plugin, &CallLimits::default()).map_err(|error| error.place)
        };
        assert_eq!(
            described("a-2", "1.0", "{}").map(|d| d.summary.len()),
            Ok(500)
        );
        for (name, version, schema, place) in [
            ("A", "1", "", "name"),
            ("a--b", "1", "", "name"),
            ("a", "", "", "version"),
            ("a", "1 2", "", "version"),
            ("a", "1", "[]", "options-schema"),
        ] {
            assert_eq!(described(name, version, schema), Err(place.to_owned()));
        }
    }
}
