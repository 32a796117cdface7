//! Turns the values of one side into the values of the other, a column at a time.
//!
//! [`check`] and [`transform`] compile the rules the same way, so a plan without problems runs. No
//! value on the input side is no value on the output side, unless the rule has a `default`; in
//! HubSpot both an absent value and empty text are no value. One bad value is a failure of its cell
//! and never of the batch.

mod choice;
mod convert;
#[cfg(test)]
pub mod fixtures;
mod kind;
mod options;
mod rule;
#[cfg(test)]
mod tests;
mod value;

use mapper_values::{date, date_format, decimal, text};

use crate::bindings::{Column, Failure, Plan, Problem, Transformed};

use self::kind::Kind;
use self::options::Issue;
use self::rule::{Combine, Rule, Target, sides};
use self::value::{Cell, Fault, Wire, is_carried, length, push, take};

pub use self::kind::{Fit, fit};
pub use self::options::SCHEMA as OPTIONS_SCHEMA;

/// Says what is wrong with a plan; an empty list means that [`transform`] accepts it.
pub fn check(plan: &Plan) -> Vec<Problem> {
    compile(plan).1
}

/// Transforms one batch; an error says what is wrong with the plan or with the shape of the batch.
pub fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
    let (rules, problems) = compile(plan);
    if let Some(problem) = problems.first() {
        return Err(format!("rule {}: {}", problem.rule, problem.message));
    }
    let rows = check_batch(plan, &batch)?;
    let mut outputs: Vec<Option<Column>> = vec![None; plan.outputs.len()];
    let mut failures = Vec::new();
    let mut inputs = Inputs::new(batch, &rules);
    for (position, rule) in rules.iter().enumerate() {
        let columns = rule
            .inputs
            .iter()
            .map(|input| inputs.take(*input))
            .collect();
        let column = run(rule, columns, rows, &mut |row, fault: Fault| {
            failures.push(Failure {
                rule: position as u32,
                row: row as u32,
                code: fault.code.to_owned(),
                message: fault.message,
            });
        });
        if let Some(output) = outputs.get_mut(rule.output) {
            *output = Some(column);
        }
    }
    let columns = outputs
        .into_iter()
        .zip(&plan.outputs)
        .map(|(column, field)| {
            column.unwrap_or_else(|| Target::new(plan.direction, field).wire.empty(rows))
        });
    Ok(Transformed {
        columns: columns.collect(),
        failures,
    })
}

/// Compiles every rule; the problems are those of all rules.
fn compile(plan: &Plan) -> (Vec<Rule<'_>>, Vec<Problem>) {
    let mut rules: Vec<Rule> = Vec::with_capacity(plan.rules.len());
    let mut problems = Vec::new();
    for (position, rule) in plan.rules.iter().enumerate() {
        let mut report = |issue: Issue| {
            let Issue { code, message } = issue;
            problems.push(Problem {
                rule: position as u32,
                code: code.to_owned(),
                message,
            });
        };
        match Rule::compile(plan, rule) {
            Ok(compiled) if rules.iter().any(|other| other.output == compiled.output) => {
                let name = &compiled.target.field.name;
                let message = format!("another rule already writes `{name}`; remove one of them");
                report(Issue {
                    code: "output-taken",
                    message,
                });
            }
            Ok(compiled) => rules.push(compiled),
            Err(issues) => issues.into_iter().for_each(report),
        }
    }
    (rules, problems)
}

/// Checks that the columns are those of the plan, and returns how many records they cover.
fn check_batch(plan: &Plan, batch: &[Column]) -> Result<usize, String> {
    if batch.len() != plan.inputs.len() {
        let (got, wanted) = (batch.len(), plan.inputs.len());
        return Err(format!(
            "the batch has {got} columns, the plan has {wanted} inputs"
        ));
    }
    let rows = batch.first().map_or(0, length);
    let (side, _) = sides(plan.direction);
    for (column, field) in batch.iter().zip(&plan.inputs) {
        let name = &field.name;
        if length(column) != rows {
            let got = length(column);
            return Err(format!(
                "column `{name}` has {got} entries, the first column has {rows}"
            ));
        }
        if !is_carried(column, Wire::of(side, Kind::of(side, field))) {
            return Err(format!(
                "column `{name}` is not of the kind that its data type names"
            ));
        }
    }
    Ok(rows)
}

/// The columns of the batch, handed out by value to the last rule that needs them.
struct Inputs {
    columns: Vec<Column>,
    uses: Vec<usize>,
}

impl Inputs {
    fn new(columns: Vec<Column>, rules: &[Rule]) -> Self {
        let mut uses = vec![0; columns.len()];
        for input in rules.iter().flat_map(|rule| &rule.inputs) {
            if let Some(count) = uses.get_mut(*input) {
                *count += 1;
            }
        }
        Self { columns, uses }
    }

    fn take(&mut self, input: usize) -> Column {
        let (Some(column), Some(uses)) = (self.columns.get_mut(input), self.uses.get_mut(input))
        else {
            return Column::Text(Vec::new());
        };
        *uses -= 1;
        if *uses == 0 {
            std::mem::replace(column, Column::Text(Vec::new()))
        } else {
            column.clone()
        }
    }
}

/// Runs a rule over its columns.
fn run(
    rule: &Rule,
    mut columns: Vec<Column>,
    rows: usize,
    fail: &mut impl FnMut(usize, Fault),
) -> Column {
    let mut output = rule.target.wire.column(rows);
    let mut finish = |row: usize, result: Result<Option<Cell>, Fault>| {
        let cell = result.unwrap_or_else(|fault| {
            fail(row, fault);
            None
        });
        push(&mut output, cell);
    };
    if !matches!(rule.combine, Combine::One) {
        for row in 0..rows {
            let cells = columns.iter_mut().map(|column| take(column, row)).collect();
            finish(row, rule.convert_combined(cells));
        }
        return output;
    }
    match columns.pop() {
        Some(Column::Text(cells)) if rule.is_passthrough() => {
            return Column::Text(without_empty(cells));
        }
        Some(Column::Text(cells)) => each(rule, cells, Cell::Text, finish),
        Some(Column::Integer(cells)) => each(rule, cells, Cell::Integer, finish),
        Some(Column::Number(cells)) => each(rule, cells, Cell::Number, finish),
        Some(Column::Boolean(cells)) => each(rule, cells, Cell::Boolean, finish),
        Some(Column::Texts(cells)) => each(rule, cells, Cell::Texts, finish),
        None => return rule.target.wire.empty(rows),
    }
    output
}

fn each<T>(
    rule: &Rule,
    cells: Vec<Option<T>>,
    wrap: fn(T) -> Cell,
    mut finish: impl FnMut(usize, Result<Option<Cell>, Fault>),
) {
    for (row, cell) in cells.into_iter().enumerate() {
        finish(row, rule.convert(cell.map(wrap)));
    }
}

fn without_empty(mut cells: Vec<Option<String>>) -> Vec<Option<String>> {
    for cell in &mut cells {
        if cell.as_deref() == Some("") {
            *cell = None;
        }
    }
    cells
}
