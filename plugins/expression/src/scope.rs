//! What an expression can name, and its evaluation.
//!
//! One root context serves a whole batch, since making one costs as much as sixty evaluations. So
//! the variables are not put into it: it asks the [`Scope`], which looks into the cell of the rule
//! and row that are current. Nothing of a cell is copied until an expression keeps it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cel::common::ast::IdedExpr;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString,
};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError, Value};
use mapper_values::text::shown;

use crate::bindings::{Column, FieldSchema};
use crate::helpers;
use crate::outcome::Fault;
use crate::rule::Rule;

/// The variables of an expression.
pub const VARIABLES: [&str; 4] = ["inputs", "value", "labels", "choices"];

/// What separates the values of a multi-choice in HubSpot.
pub const HUBSPOT_SEPARATOR: char = ';';

/// The longest message of a failed evaluation, in characters.
const MESSAGE_CHARACTERS_MAX: usize = 300;

/// The variables of the current rule and row.
#[derive(Debug)]
pub struct Scope<'b> {
    rules: &'b [Rule<'b>],
    batch: &'b [Column],
    /// Atomic because the interpreter wants to share what it asks, though it never does here.
    rule: AtomicUsize,
    row: AtomicUsize,
}

impl<'b> Scope<'b> {
    pub fn new(rules: &'b [Rule<'b>], batch: &'b [Column]) -> Self {
        Self {
            rules,
            batch,
            rule: AtomicUsize::new(0),
            row: AtomicUsize::new(0),
        }
    }

    /// Makes a rule and a row current.
    pub fn select(&self, rule: usize, row: usize) {
        self.rule.store(rule, Ordering::Relaxed);
        self.row.store(row, Ordering::Relaxed);
    }

    fn rule(&self) -> Option<&'b Rule<'b>> {
        self.rules.get(self.rule.load(Ordering::Relaxed))
    }

    fn named(&self, name: &str) -> Option<(usize, &'b FieldSchema)> {
        let inputs = &self.rule()?.inputs;
        inputs.iter().find(|(_, field)| field.name == name).copied()
    }

    fn cell(&self, position: usize) -> Option<Box<dyn Val + 'b>> {
        let row = self.row.load(Ordering::Relaxed);
        Some(match self.batch.get(position)? {
            Column::Text(cells) => match cells.get(row)?.as_deref() {
                None | Some("") => Box::new(CelNull),
                Some(text) => Box::new(CelString::from(text)),
            },
            Column::Integer(cells) => boxed(cells.get(row)?.map(CelInt::from)),
            Column::Number(cells) => boxed(cells.get(row)?.map(CelDouble::from)),
            Column::Boolean(cells) => boxed(cells.get(row)?.map(CelBool::from)),
            Column::Texts(cells) => boxed(cells.get(row)?.as_deref().map(list)),
        })
    }

    /// The label of a choice, or the labels of choices; the value itself where none is known.
    fn label(&self, position: usize, field: &'b FieldSchema) -> Option<Box<dyn Val + 'b>> {
        let row = self.row.load(Ordering::Relaxed);
        let label = |value: &'b str| {
            let mut choices = field.choices.iter();
            let choice = choices.find(|choice| choice.value == value);
            choice.map_or(value, |choice| choice.label.as_str())
        };
        let is_list = field.data_type == crate::bindings::DataType::MultiChoice;
        match self.batch.get(position)? {
            Column::Text(cells) => match cells.get(row)?.as_deref() {
                Some(text) if is_list => {
                    let values = text
                        .split(HUBSPOT_SEPARATOR)
                        .filter(|value| !value.is_empty());
                    Some(Box::new(texts(values.map(label))))
                }
                Some(text) if !text.is_empty() => Some(Box::new(CelString::from(label(text)))),
                _ => Some(Box::new(CelNull)),
            },
            Column::Texts(cells) => {
                let values = cells.get(row)?.as_deref();
                let labels = values.map(|values| texts(values.iter().map(|value| label(value))));
                Some(boxed(labels))
            }
            _ => self.cell(position),
        }
    }

    fn all(
        &self,
        value: impl Fn(usize, &'b FieldSchema) -> Option<Box<dyn Val + 'b>>,
    ) -> Option<CelMap<'b>> {
        let entries = self.rule()?.inputs.iter().filter_map(|(position, field)| {
            let key = CelMapKey::from(field.name.as_str());
            Some((key, value(*position, field)?))
        });
        Some(CelMap::from(entries.collect::<HashMap<_, _>>()))
    }
}

impl VariableResolver for Scope<'_> {
    /// Answers whole names such as `inputs.amount` as well, which spares the map of all inputs.
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(name) = variable.strip_prefix("inputs.") {
            return self.cell(self.named(name)?.0).map(CowVal::Owned);
        }
        if let Some(name) = variable.strip_prefix("labels.") {
            let (position, field) = self.named(name)?;
            return self.label(position, field).map(CowVal::Owned);
        }
        let value: Box<dyn Val + 'b> = match variable {
            "value" => {
                let (position, _) = self.rule()?.inputs.first()?;
                self.cell(*position)?
            }
            "inputs" => Box::new(self.all(|position, _| self.cell(position))?),
            "labels" => Box::new(self.all(|position, field| self.label(position, field))?),
            "choices" => return Some(CowVal::Borrowed(&self.rule()?.choices)),
            _ => return None,
        };
        Some(CowVal::Owned(value))
    }
}

fn boxed<'v>(value: Option<impl Val + 'v>) -> Box<dyn Val + 'v> {
    match value {
        Some(value) => Box::new(value),
        None => Box::new(CelNull),
    }
}

fn list(values: &[String]) -> CelList<'_> {
    texts(values.iter().map(String::as_str))
}

fn texts<'v>(values: impl Iterator<Item = &'v str>) -> CelList<'v> {
    let values = values.map(|value| Box::new(CelString::from(value)) as Box<dyn Val + 'v>);
    CelList::from(values.collect::<Vec<_>>())
}

/// The root context of a batch.
pub struct Evaluator<'s> {
    context: Context<'s, 's>,
}

impl<'s> Evaluator<'s> {
    pub fn new(scope: &'s Scope<'s>) -> Result<Self, String> {
        let env = Env::default().with_optional_support(false).with_stdlib();
        let mut context = Context::with_env(Arc::new(env));
        helpers::declare(&mut context).map_err(|error| error.to_string())?;
        context.set_variable_resolver(scope);
        Ok(Self { context })
    }

    /// Evaluates an expression for the current rule and row; `None` is no value.
    pub fn evaluate<'e>(
        &'e self,
        expression: &'e IdedExpr,
    ) -> Result<Option<CowVal<'e, 's>>, Fault> {
        match Value::resolve_val(expression, &self.context) {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_about_null(&error) => Ok(None),
            Err(error) => Err(Fault {
                code: "evaluation-failed",
                message: message(&error),
            }),
        }
    }
}

/// Whether an operator or function met `null` that it does not take. The result is then no value, as
/// in databases: a record without an amount has no amount in thousands either, which is no mistake.
fn is_about_null(error: &ExecutionError) -> bool {
    const NULL: &str = "null_type";
    match error {
        ExecutionError::NoSuchOverload(error) => {
            error.argument_types().iter().any(|name| name == NULL)
        }
        ExecutionError::UnsupportedBinaryOperator(_, left, right)
        | ExecutionError::ValuesNotComparable(left, right) => [left, right].contains(&&Value::Null),
        ExecutionError::UnexpectedType { got, .. } => got == NULL,
        _ => false,
    }
}

fn message(error: &ExecutionError) -> String {
    let text = match error {
        ExecutionError::FunctionError { function, message } => format!("`{function}`: {message}"),
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            let (left, right) = (left.type_of(), right.type_of());
            let hint = match (&*left.to_string(), &*right.to_string()) {
                ("int", "float" | "double") | ("float" | "double", "int") => {
                    "; write whole numbers as `1000.0`, or use `toNumber()`"
                }
                _ => "",
            };
            format!("operator `{operator}` does not take {left} and {right}{hint}")
        }
        other => other.to_string(),
    };
    let end = text.char_indices().nth(MESSAGE_CHARACTERS_MAX);
    let text = text.get(..end.map_or(text.len(), |(at, _)| at));
    text.unwrap_or_else(|| shown("the expression failed"))
        .to_owned()
}
