//! A whole mapper of a version of the contract that was never published.

use bindings::exports::partneros::mapper::{describe, explain, suggest, transform};
use bindings::partneros::mapper::types::{Column, ObjectSchema};

#[derive(Debug)]
pub struct Guest;

mod bindings {
    #![allow(
        unsafe_code,
        clippy::pedantic,
        reason = "generated code; the lints are for what people write"
    )]

    wit_bindgen::generate!({
        path: "../../../host/runtime/tests/wit/mapper-0.2.0",
        world: "explaining-mapper",
        pub_export_macro: true,
    });
}

impl describe::Guest for Guest {
    fn describe() -> describe::Description {
        describe::Description {
            name: "test-guest".to_owned(),
            version: "2.0.0".to_owned(),
            summary: String::new(),
            options_schema: String::new(),
        }
    }
}

impl suggest::Guest for Guest {
    /// Suggests the first property for the first field.
    fn suggest(
        partneros: ObjectSchema,
        hubspot: ObjectSchema,
    ) -> Result<Vec<suggest::Suggestion>, String> {
        let (Some(field), Some(property)) = (partneros.fields.first(), hubspot.fields.first())
        else {
            return Ok(Vec::new());
        };
        let candidate = suggest::Candidate {
            property: property.name.clone(),
            confidence: 0.5,
            reasons: Vec::new(),
        };
        Ok(vec![suggest::Suggestion {
            field: field.name.clone(),
            candidates: vec![candidate],
        }])
    }
}

impl transform::Guest for Guest {
    /// Has something to say about every rule with options.
    fn check(plan: transform::Plan) -> Vec<transform::Problem> {
        let rules = (0..).zip(&plan.rules);
        rules
            .filter(|(_, rule)| !rule.options.is_empty())
            .map(|(rule, _)| transform::Problem {
                rule,
                code: "unknown-option".to_owned(),
                message: "takes no options".to_owned(),
            })
            .collect()
    }

    /// Fails the first cell with a hint, and returns no values.
    fn transform(
        plan: transform::Plan,
        batch: Vec<Column>,
    ) -> Result<transform::Transformed, String> {
        let rows = match batch.first() {
            Some(Column::Text(cells)) => cells.len(),
            _ => return Err("is made for text".to_owned()),
        };
        let columns = plan.outputs.iter().map(|output| match output.data_type {
            bindings::partneros::mapper::types::DataType::Number => {
                Column::Number(vec![None; rows])
            }
            _ => Column::Text(vec![None; rows]),
        });
        Ok(transform::Transformed {
            columns: columns.collect(),
            failures: vec![transform::Failure {
                rule: 0,
                row: 0,
                code: "not-now".to_owned(),
                message: "was not transformed".to_owned(),
                hint: "try version 0.3".to_owned(),
            }],
        })
    }
}

impl explain::Guest for Guest {
    fn explain(code: String) -> Option<String> {
        (code == "not-now").then(|| "it is too early".to_owned())
    }
}

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "the generated exports are unsafe functions")]

    use super::Guest;

    super::bindings::export!(Guest with_types_in super::bindings);
}
