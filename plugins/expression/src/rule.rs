//! A rule, compiled once per call: its inputs, its output, and the expression between them.

use std::collections::HashMap;

use cel::common::ast::IdedExpr;
use cel::common::types::{CelMap, CelMapKey, CelString};
use cel::common::value::Val;

use crate::bindings::{self, FieldSchema, Plan};
use crate::inspect;
use crate::options::{Issue, Options};
use crate::program;

/// A rule that can run.
#[derive(Debug)]
pub struct Rule<'p> {
    /// Positions and schemas of the inputs.
    pub inputs: Vec<(usize, &'p FieldSchema)>,
    /// Position of the output.
    pub output: usize,
    pub expression: IdedExpr,
    /// The variable `choices`: from the label of an output's choice to its value.
    pub choices: CelMap<'p>,
}

impl<'p> Rule<'p> {
    /// Compiles a rule, or says everything that is wrong with it.
    pub fn compile(plan: &'p Plan, rule: &bindings::Rule) -> Result<Self, Vec<Issue>> {
        let inputs = inputs(plan, rule)?;
        let output = rule.output as usize;
        let field = plan.outputs.get(output).ok_or_else(|| {
            let message = format!("there is no output {output} in the plan");
            vec![Issue::new("unknown-output", message)]
        })?;
        let options = Options::parse(&rule.options)?;
        let mut issues = Vec::new();
        if field.read_only {
            let message = format!(
                "`{}` can only be read; map to another field or make the mapping one-way",
                field.name
            );
            issues.push(Issue::new("read-only", message));
        }
        if let Some(other) = options.passive(plan.direction) {
            // Of no effect here, but a mistake in it should be found in either direction. What its
            // inputs will be is not known.
            match program::parse(other) {
                Ok(expression) => issues.extend(inspect::issues(&expression, None)),
                Err(issue) => issues.push(issue),
            }
        }
        let names: Vec<&str> = inputs
            .iter()
            .map(|(_, field)| field.name.as_str())
            .collect();
        let expression = options.expression(plan.direction).and_then(program::parse);
        match expression {
            Ok(expression) => {
                issues.extend(inspect::issues(&expression, Some(&names)));
                if issues.is_empty() {
                    return Ok(Self {
                        inputs,
                        output,
                        expression,
                        choices: choices(field),
                    });
                }
            }
            Err(issue) => issues.push(issue),
        }
        Err(issues)
    }
}

fn inputs<'p>(
    plan: &'p Plan,
    rule: &bindings::Rule,
) -> Result<Vec<(usize, &'p FieldSchema)>, Vec<Issue>> {
    if rule.inputs.is_empty() {
        let message = "the rule has no input; name at least one field that it reads";
        return Err(vec![Issue::new("no-input", message)]);
    }
    let find = |input: &u32| {
        let position = *input as usize;
        let field = plan.inputs.get(position).ok_or_else(|| {
            let message = format!("there is no input {position} in the plan");
            vec![Issue::new("unknown-input", message)]
        })?;
        Ok((position, field))
    };
    rule.inputs.iter().map(find).collect()
}

fn choices(field: &FieldSchema) -> CelMap<'_> {
    let entries = field.choices.iter().map(|choice| {
        let value: Box<dyn Val + '_> = Box::new(CelString::from(choice.value.as_str()));
        (CelMapKey::from(choice.label.as_str()), value)
    });
    CelMap::from(entries.collect::<HashMap<_, _>>())
}
