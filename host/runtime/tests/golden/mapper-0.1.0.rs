//! The golden component of `partneros:mapper@0.1.0`: uses every function, record and kind of column of the contract.
//!
//! `mapper-0.1.0.wasm` beside this file was built from it once, with the workspace's `guest` profile for
//! `wasm32-wasip2`, and stays as it is: it stands for the plugins that people built against this version. Both are
//! replaced only if they never reached a release.

use bindings::exports::partneros::mapper::{describe, suggest, transform};
use bindings::partneros::mapper::types::{Column, DataType, ObjectSchema};

#[derive(Debug)]
pub struct Guest;

mod bindings {
    #![allow(
        unsafe_code,
        clippy::pedantic,
        reason = "generated code; the lints are for what people write"
    )]

    wit_bindgen::generate!({
        path: "../../../wit/mapper-0.1.0",
        world: "mapper",
        pub_export_macro: true,
    });
}

impl describe::Guest for Guest {
    fn describe() -> describe::Description {
        describe::Description {
            name: "golden-mapper".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Stands for the plugins of its time.".to_owned(),
            options_schema: r#"{"type":"object","properties":{"suffix":{"type":"string"}}}"#
                .to_owned(),
        }
    }
}

impl suggest::Guest for Guest {
    /// Properties of the same name, and of the same label with less confidence.
    fn suggest(
        partneros: ObjectSchema,
        hubspot: ObjectSchema,
    ) -> Result<Vec<suggest::Suggestion>, String> {
        if partneros.fields.is_empty() {
            return Err(format!("`{}` has no fields", partneros.name));
        }
        let suggestion = |field: &bindings::partneros::mapper::types::FieldSchema| {
            let candidates = hubspot.fields.iter().filter_map(|property| {
                let (confidence, code) = if property.name == field.name {
                    (0.9, "same-name")
                } else if property.label == field.label {
                    (0.6, "same-label")
                } else {
                    return None;
                };
                Some(suggest::Candidate {
                    property: property.name.clone(),
                    confidence,
                    reasons: vec![suggest::Reason {
                        code: code.to_owned(),
                        message: format!("`{}` and `{}`", field.label, property.label),
                    }],
                })
            });
            suggest::Suggestion {
                field: field.name.clone(),
                candidates: candidates.collect(),
            }
        };
        Ok(partneros.fields.iter().map(suggestion).collect())
    }
}

impl transform::Guest for Guest {
    fn check(plan: transform::Plan) -> Vec<transform::Problem> {
        let problem = |(rule, _): (u32, &transform::Rule)| transform::Problem {
            rule,
            code: "unknown-option".to_owned(),
            message: "takes no options".to_owned(),
        };
        let rules = (0..).zip(&plan.rules);
        let refused = rules.filter(|(_, rule)| !rule.options.is_empty());
        refused.map(problem).collect()
    }

    fn transform(
        plan: transform::Plan,
        batch: Vec<Column>,
    ) -> Result<transform::Transformed, String> {
        let rows = batch.first().map_or(0, |column| cells(column).len());
        let mut failures = Vec::new();
        let mut columns = Vec::new();
        for (output, schema) in plan.outputs.iter().enumerate() {
            let kind = match plan.direction {
                transform::Direction::ToHubspot => DataType::Text,
                transform::Direction::ToPartneros => schema.data_type,
            };
            let rule = (0..)
                .zip(&plan.rules)
                .find(|(_, rule)| rule.output as usize == output);
            let Some((rule, input)) =
                rule.and_then(|(number, rule)| Some((number, *rule.inputs.first()? as usize)))
            else {
                columns.push(parse(kind, vec![None; rows], |_| {}));
                continue;
            };
            let input = batch.get(input).ok_or("the plan names no such input")?;
            columns.push(parse(kind, cells(input), |row| {
                failures.push(transform::Failure {
                    rule,
                    row,
                    code: "unreadable".to_owned(),
                    message: format!("is no {kind:?}"),
                });
            }));
        }
        Ok(transform::Transformed { columns, failures })
    }
}

/// Every cell as text.
fn cells(column: &Column) -> Vec<Option<String>> {
    fn text<T: ToString>(cells: &[Option<T>]) -> Vec<Option<String>> {
        cells
            .iter()
            .map(|cell| cell.as_ref().map(T::to_string))
            .collect()
    }
    match column {
        Column::Text(cells) => cells.clone(),
        Column::Integer(cells) => text(cells),
        Column::Number(cells) => text(cells),
        Column::Boolean(cells) => text(cells),
        Column::Texts(cells) => {
            let joined = cells.iter().map(|cell| Some(cell.as_ref()?.join(";")));
            joined.collect()
        }
    }
}

/// A column of the kind that carries the type; tells of each row that cannot be read.
fn parse(kind: DataType, cells: Vec<Option<String>>, mut failed: impl FnMut(u32)) -> Column {
    fn each<T: std::str::FromStr>(
        cells: &[Option<String>],
        failed: &mut impl FnMut(u32),
    ) -> Vec<Option<T>> {
        let read = |(row, cell): (u32, &Option<String>)| {
            let value = cell.as_ref()?.parse().ok();
            if value.is_none() {
                failed(row);
            }
            value
        };
        (0..).zip(cells).map(read).collect()
    }
    match kind {
        DataType::Integer => Column::Integer(each(&cells, &mut failed)),
        DataType::Number => Column::Number(each(&cells, &mut failed)),
        DataType::Boolean => Column::Boolean(each(&cells, &mut failed)),
        DataType::MultiChoice => {
            let split = |cell: String| cell.split(';').map(str::to_owned).collect();
            Column::Texts(cells.into_iter().map(|cell| cell.map(split)).collect())
        }
        _ => Column::Text(cells),
    }
}

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "the generated exports are unsafe functions")]

    use super::Guest;

    super::bindings::export!(Guest with_types_in super::bindings);
}
