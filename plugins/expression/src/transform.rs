//! Checks plans and transforms batches.
//!
//! [`check`] and [`transform`] compile the rules the same way, so a plan without problems runs. One
//! bad value is a failure of its cell and never of the batch.

use crate::bindings::{
    Column, DataType, Direction, Failure, FieldSchema, Plan, Problem, Transformed,
};
use crate::options::Issue;
use crate::outcome::Output;
use crate::rule::Rule;
use crate::scope::{Evaluator, Scope};

/// Says what is wrong with a plan; an empty list means that [`transform`] accepts it.
pub fn check(plan: &Plan) -> Vec<Problem> {
    compile(plan).1
}

/// Transforms one batch; an error says what is wrong with the plan or with the shape of the batch.
pub fn transform(plan: &Plan, batch: &[Column]) -> Result<Transformed, String> {
    let (rules, problems) = compile(plan);
    if let Some(problem) = problems.first() {
        return Err(format!("rule {}: {}", problem.rule, problem.message));
    }
    let rows = rows_of(plan, batch)?;
    let mut outputs: Vec<Output> = plan
        .outputs
        .iter()
        .map(|field| Output::new(plan.direction, field, rows))
        .collect();
    let mut failures = Vec::new();
    let scope = Scope::new(&rules, batch);
    let evaluator = Evaluator::new(&scope)?;
    for (position, rule) in rules.iter().enumerate() {
        let Some(output) = outputs.get_mut(rule.output) else {
            continue;
        };
        for row in 0..rows {
            scope.select(position, row);
            let outcome = evaluator.evaluate(&rule.expression);
            if let Err(fault) = outcome.and_then(|value| output.write(row, value)) {
                failures.push(Failure {
                    rule: position as u32,
                    row: row as u32,
                    code: fault.code.to_owned(),
                    message: fault.message,
                });
            }
        }
    }
    Ok(Transformed {
        columns: outputs.into_iter().map(Output::into_column).collect(),
        failures,
    })
}

/// Compiles every rule; the problems are those of all rules.
fn compile(plan: &Plan) -> (Vec<Rule<'_>>, Vec<Problem>) {
    let mut rules: Vec<Rule> = Vec::with_capacity(plan.rules.len());
    let mut problems = Vec::new();
    for (position, rule) in plan.rules.iter().enumerate() {
        let compiled = Rule::compile(plan, rule).and_then(|compiled| {
            let taken = rules.iter().any(|other| other.output == compiled.output);
            if taken {
                let message = "another rule writes the same output already; remove one of them";
                return Err(vec![Issue::new("output-taken", message)]);
            }
            Ok(compiled)
        });
        match compiled {
            Ok(compiled) => rules.push(compiled),
            Err(issues) => problems.extend(issues.into_iter().map(|issue| Problem {
                rule: position as u32,
                code: issue.code.to_owned(),
                message: issue.message,
            })),
        }
    }
    (rules, problems)
}

/// Checks that the columns are those of the plan, and returns how many records they cover.
fn rows_of(plan: &Plan, batch: &[Column]) -> Result<usize, String> {
    if batch.len() != plan.inputs.len() {
        let (got, wanted) = (batch.len(), plan.inputs.len());
        return Err(format!(
            "the plan has {wanted} inputs, the batch {got} columns"
        ));
    }
    let mut rows = None;
    for (column, field) in batch.iter().zip(&plan.inputs) {
        let length = match column {
            Column::Text(cells) => cells.len(),
            Column::Integer(cells) => cells.len(),
            Column::Number(cells) => cells.len(),
            Column::Boolean(cells) => cells.len(),
            Column::Texts(cells) => cells.len(),
        };
        if *rows.get_or_insert(length) != length {
            return Err(format!(
                "column `{}` is not as long as the first",
                field.name
            ));
        }
        if !carries(plan.direction, field, column) {
            return Err(format!(
                "column `{}` is not of its field's kind",
                field.name
            ));
        }
    }
    Ok(rows.unwrap_or_default())
}

fn carries(direction: Direction, field: &FieldSchema, column: &Column) -> bool {
    if direction == Direction::ToPartneros {
        return matches!(column, Column::Text(_));
    }
    match field.data_type {
        DataType::Integer => matches!(column, Column::Integer(_)),
        DataType::Number => matches!(column, Column::Number(_)),
        DataType::Boolean => matches!(column, Column::Boolean(_)),
        DataType::MultiChoice => matches!(column, Column::Texts(_)),
        _ => matches!(column, Column::Text(_)),
    }
}
