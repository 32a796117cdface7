//! A mapper as its author writes it, and the contract's functions made of one.

use crate::bindings::{
    Column, Description, Direction, Failure, FieldSchema, ObjectSchema, Plan, Problem, Rule,
    Suggestion, Transformed,
};
use crate::column::{self, Kind};
use crate::fault::Fault;
use crate::row::{Row, UnexpectedKind};
use crate::value::Value;

/// A mapper. Every function is pure: the host gives each batch a fresh instance.
pub trait Mapper {
    /// A rule whose options have been read, so that it is done once a batch and not once a value.
    type Rule;

    /// Says who the mapper is.
    fn describe() -> Description;

    /// Proposes the property that may hold each field; the error is for schemas it cannot work with at all.
    fn suggest(partneros: &ObjectSchema, hubspot: &ObjectSchema) -> Result<Vec<Suggestion>, Fault>;

    /// Reads a rule. What fails here is shown when a mapping is saved, before any record moves.
    fn rule(plan: &Plan, rule: &Rule) -> Result<Self::Rule, Fault>;

    /// Makes the rule's output for one record. What fails here leaves this one value alone.
    fn row(rule: &Self::Rule, row: Row<'_>) -> Result<Option<Value>, Fault>;
}

/// The contract's `check`: what [`Mapper::rule`] says about each rule.
pub fn check<M: Mapper>(plan: &Plan) -> Vec<Problem> {
    let problem = |(position, rule): (usize, &Rule)| {
        let fault = M::rule(plan, rule).err()?;
        Some(Problem {
            rule: position as u32,
            code: fault.code.to_owned(),
            message: fault.message,
        })
    };
    plan.rules.iter().enumerate().filter_map(problem).collect()
}

/// The contract's `transform`: [`Mapper::row`] for each rule and record. Declines a plan that [`check`] finds fault with.
pub fn transform<M: Mapper>(plan: &Plan, batch: &[Column]) -> Result<Transformed, String> {
    let rows = batch.first().map_or(0, column::rows);
    let empty = |field: &FieldSchema| kind_of_output(plan, field).empty(rows);
    let mut columns: Vec<Column> = plan.outputs.iter().map(empty).collect();
    let mut failures = Vec::new();
    for (position, rule) in plan.rules.iter().enumerate() {
        let read =
            M::rule(plan, rule).map_err(|fault| format!("rule {position}: {}", fault.message))?;
        let output = (columns.get_mut(rule.output as usize))
            .ok_or_else(|| format!("rule {position}: it has no output"))?;
        for row in 0..rows {
            let written = match M::row(&read, Row::new(batch, &rule.inputs, row)) {
                Ok(Some(value)) => write(output, row, value),
                Ok(None) => Ok(()),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = written {
                failures.push(Failure {
                    rule: position as u32,
                    row: row as u32,
                    code: fault.code.to_owned(),
                    message: fault.message,
                });
            }
        }
    }
    Ok(Transformed { columns, failures })
}

/// The schema of one of a rule's inputs.
pub fn input<'a>(plan: &'a Plan, rule: &Rule, position: usize) -> Option<&'a FieldSchema> {
    plan.inputs.get(*rule.inputs.get(position)? as usize)
}

/// The schema of a rule's output.
pub fn output<'a>(plan: &'a Plan, rule: &Rule) -> Option<&'a FieldSchema> {
    plan.outputs.get(rule.output as usize)
}

fn write(output: &mut Column, row: usize, value: Value) -> Result<(), Fault> {
    let expected = column::kind(output);
    column::put(output, row, value).map_err(|value| {
        let found = value.kind();
        UnexpectedKind { expected, found }.into()
    })
}

fn kind_of_output(plan: &Plan, field: &FieldSchema) -> Kind {
    match plan.direction {
        Direction::ToHubspot => Kind::Text,
        Direction::ToPartneros => Kind::of(field.data_type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::DataType;
    use crate::fault::Coded;

    /// Doubles integers below ten; options `text` make it answer text.
    struct Doubles;

    #[derive(Debug)]
    struct TooLarge(i64);

    impl std::fmt::Display for TooLarge {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(formatter, "{} is too large", self.0)
        }
    }

    impl Coded for TooLarge {
        fn code(&self) -> &'static str {
            "too-large"
        }
    }

    impl Mapper for Doubles {
        type Rule = bool;

        fn describe() -> Description {
            unreachable!("not asked here")
        }

        fn suggest(_: &ObjectSchema, _: &ObjectSchema) -> Result<Vec<Suggestion>, Fault> {
            Ok(Vec::new())
        }

        fn rule(_: &Plan, rule: &Rule) -> Result<bool, Fault> {
            match rule.options.as_str() {
                "" => Ok(false),
                "text" => Ok(true),
                _ => Err(TooLarge(0).into()),
            }
        }

        fn row(as_text: &bool, row: Row<'_>) -> Result<Option<Value>, Fault> {
            let Some(number) = row.integer(0)? else {
                return Ok(None);
            };
            if number >= 10 {
                return Err(TooLarge(number).into());
            }
            Ok(Some(if *as_text {
                number.to_string().into()
            } else {
                Value::Integer(number * 2)
            }))
        }
    }

    fn field(data_type: DataType) -> FieldSchema {
        FieldSchema {
            name: "field".to_owned(),
            label: "Field".to_owned(),
            description: String::new(),
            data_type,
            choices: Vec::new(),
            read_only: false,
            required: false,
            unique: false,
            extra: Vec::new(),
        }
    }

    fn plan(options: &[&str]) -> Plan {
        let rule = |(position, options): (usize, &&str)| Rule {
            inputs: vec![0],
            output: position as u32,
            options: (*options).to_owned(),
        };
        Plan {
            direction: Direction::ToPartneros,
            inputs: vec![field(DataType::Integer)],
            outputs: vec![field(DataType::Integer), field(DataType::Number)],
            rules: options.iter().enumerate().map(rule).collect(),
            extra: Vec::new(),
        }
    }

    fn codes(transformed: &Transformed) -> Vec<(u32, u32, &str)> {
        let failures = transformed.failures.iter();
        failures
            .map(|failure| (failure.rule, failure.row, failure.code.as_str()))
            .collect()
    }

    #[test]
    fn values_go_through_and_failures_stay_in_their_rows() {
        let batch = [Column::Integer(vec![Some(2), None, Some(12)])];
        let transformed = transform::<Doubles>(&plan(&[""]), &batch).expect("a batch");
        let expected = [
            Column::Integer(vec![Some(4), None, None]),
            Column::Number(vec![None; 3]),
        ];
        assert_eq!(transformed.columns, expected);
        assert_eq!(codes(&transformed), [(0, 2, "too-large")]);
        assert_eq!(transformed.failures[0].message, "12 is too large");
    }

    #[test]
    fn a_value_of_another_kind_is_a_failure_on_both_sides() {
        let numbers = [Column::Integer(vec![Some(2)])];
        let written = transform::<Doubles>(&plan(&["text"]), &numbers).expect("a batch");
        assert_eq!(codes(&written), [(0, 0, "unexpected-kind")]);
        let texts = [Column::Text(vec![Some("2".to_owned())])];
        let read = transform::<Doubles>(&plan(&[""]), &texts).expect("a batch");
        assert_eq!(codes(&read), [(0, 0, "unexpected-kind")]);
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_a_problem_and_declines_the_batch() {
        let plan = plan(&["", "?"]);
        let problems = check::<Doubles>(&plan);
        assert_eq!(problems.len(), 1);
        assert_eq!(
            (problems[0].rule, problems[0].code.as_str()),
            (1, "too-large")
        );
        let declined = transform::<Doubles>(&plan, &[Column::Integer(vec![None])]);
        assert_eq!(declined.expect_err("declines"), "rule 1: 0 is too large");
    }
}
