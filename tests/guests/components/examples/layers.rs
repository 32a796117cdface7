//! Implements the world `layer`, which needs a mapper beneath it.

use bindings::exports::partneros::mapper::{describe, suggest, transform};
use bindings::partneros::mapper as beneath;
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
        path: "../../../wit/mapper-0.1.0",
        world: "layer",
        pub_export_macro: true,
    });
}

impl describe::Guest for Guest {
    fn describe() -> describe::Description {
        describe::Description {
            name: "test-guest".to_owned(),
            version: "1.0.0".to_owned(),
            summary: String::new(),
            options_schema: String::new(),
        }
    }
}

impl suggest::Guest for Guest {
    /// Gives each candidate of the mapper beneath one more reason.
    fn suggest(
        partneros: ObjectSchema,
        hubspot: ObjectSchema,
    ) -> Result<Vec<suggest::Suggestion>, String> {
        let answer = beneath::suggest::suggest(&partneros, &hubspot)?;
        Ok(answer.into_iter().map(suggestion).collect())
    }
}

impl transform::Guest for Guest {
    fn check(plan: transform::Plan) -> Vec<transform::Problem> {
        let problems = beneath::transform::check(&pass_on(plan));
        problems.into_iter().map(problem).collect()
    }

    /// Adds a `+` to every text that comes from beneath.
    fn transform(
        plan: transform::Plan,
        batch: Vec<Column>,
    ) -> Result<transform::Transformed, String> {
        let answer = beneath::transform::transform(&pass_on(plan), &batch)?;
        Ok(transform::Transformed {
            columns: answer.columns.into_iter().map(marked).collect(),
            failures: answer.failures.into_iter().map(failure).collect(),
        })
    }
}

fn marked(column: Column) -> Column {
    match column {
        Column::Text(cells) => {
            let mark = |text: String| text + "+";
            Column::Text(cells.into_iter().map(|cell| cell.map(mark)).collect())
        }
        other => other,
    }
}

fn suggestion(found: beneath::suggest::Suggestion) -> suggest::Suggestion {
    let candidate = |found: beneath::suggest::Candidate| {
        let reasons = found.reasons.into_iter().map(|reason| suggest::Reason {
            code: reason.code,
            message: reason.message,
        });
        let own = suggest::Reason {
            code: "layer".to_owned(),
            message: "seen by a layer".to_owned(),
        };
        suggest::Candidate {
            property: found.property,
            confidence: found.confidence,
            reasons: reasons.chain([own]).collect(),
        }
    };
    suggest::Suggestion {
        field: found.field,
        candidates: found.candidates.into_iter().map(candidate).collect(),
    }
}

fn pass_on(plan: transform::Plan) -> beneath::transform::Plan {
    let rule = |rule: transform::Rule| beneath::transform::Rule {
        inputs: rule.inputs,
        output: rule.output,
        options: rule.options,
    };
    beneath::transform::Plan {
        direction: match plan.direction {
            transform::Direction::ToHubspot => beneath::transform::Direction::ToHubspot,
            transform::Direction::ToPartneros => beneath::transform::Direction::ToPartneros,
        },
        inputs: plan.inputs,
        outputs: plan.outputs,
        rules: plan.rules.into_iter().map(rule).collect(),
        extra: plan.extra,
    }
}

fn problem(found: beneath::transform::Problem) -> transform::Problem {
    transform::Problem {
        rule: found.rule,
        code: found.code,
        message: found.message,
    }
}

fn failure(found: beneath::transform::Failure) -> transform::Failure {
    transform::Failure {
        rule: found.rule,
        row: found.row,
        code: found.code,
        message: found.message,
    }
}

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "the generated exports are unsafe functions")]

    use super::Guest;

    super::bindings::export!(Guest with_types_in super::bindings);
}
