//! Finds mistakes in a syntax tree before any record moves: names that are not there, functions
//! that are not there or take other arguments, literal patterns and formats that cannot be read.

use cel::common::ast::{
    CallExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue, operators,
};

use crate::helpers;
use crate::options::Issue;
use crate::program::too_complex;
use crate::scope::VARIABLES;

/// The deepest tree. Evaluation takes the stack as deep as the tree is, so deeper ones are refused
/// as `expression-too-complex`.
const DEPTH_MAX: usize = 80;

/// The most issues that are reported of one expression.
const ISSUES_MAX: usize = 10;

/// The functions of CEL itself that are available; its macros are gone once an expression is read.
const FUNCTIONS: [&str; 6] = ["size", "contains", "startsWith", "endsWith", "dyn", "type"];

/// The types of CEL that are functions as well, which convert to them.
const CONVERSIONS: [&str; 6] = ["string", "int", "uint", "double", "bool", "bytes"];

/// The types of CEL that are not.
const TYPES: [&str; 4] = ["list", "map", "null_type", "type"];

/// What is wrong with an expression over inputs of these names; without names, any input goes.
pub fn issues(expression: &IdedExpr, inputs: Option<&[&str]>) -> Vec<Issue> {
    let mut inspector = Inspector {
        inputs,
        variables: Vec::new(),
        issues: Vec::new(),
    };
    if inspector.walk(expression, 0).is_none() {
        return vec![too_complex()];
    }
    inspector.issues
}

struct Inspector<'e> {
    inputs: Option<&'e [&'e str]>,
    /// What the macros around declare.
    variables: Vec<&'e str>,
    issues: Vec<Issue>,
}

impl<'e> Inspector<'e> {
    fn report(&mut self, code: &'static str, message: String) {
        let issue = Issue::new(code, message);
        if self.issues.len() < ISSUES_MAX && !self.issues.contains(&issue) {
            self.issues.push(issue);
        }
    }

    /// Looks at an expression and all within; `None` when it is too deep.
    fn walk(&mut self, expression: &'e IdedExpr, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        let depth = depth + 1;
        match &expression.expr {
            Expr::Literal(_) => {}
            Expr::Ident(name) => self.identifier(name),
            Expr::Select(select) => {
                if let Expr::Ident(name) = &select.operand.expr {
                    self.input(name, &select.field);
                }
                self.walk(&select.operand, depth)?;
            }
            Expr::Call(call) => {
                self.call(call);
                if let Some(target) = &call.target {
                    self.walk(target, depth)?;
                }
                for argument in &call.args {
                    self.walk(argument, depth)?;
                }
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.walk(element, depth)?;
                }
            }
            Expr::Map(map) => {
                for IdedEntryExpr { expr, .. } in &map.entries {
                    match expr {
                        EntryExpr::MapEntry(entry) => {
                            self.walk(&entry.key, depth)?;
                            self.walk(&entry.value, depth)?;
                        }
                        EntryExpr::StructField(field) => self.unsupported(&field.field),
                    }
                }
            }
            Expr::Comprehension(comprehension) => {
                self.walk(&comprehension.iter_range, depth)?;
                self.walk(&comprehension.accu_init, depth)?;
                let outside = self.variables.len();
                self.variables.push(&comprehension.accu_var);
                self.variables.push(&comprehension.iter_var);
                self.variables.extend(comprehension.iter_var2.as_deref());
                self.walk(&comprehension.loop_cond, depth)?;
                self.walk(&comprehension.loop_step, depth)?;
                self.walk(&comprehension.result, depth)?;
                self.variables.truncate(outside);
            }
            Expr::Struct(structure) => self.unsupported(&structure.type_name),
            Expr::Unspecified => self.report(
                "syntax-error",
                "a part of the expression is missing".to_owned(),
            ),
        }
        Some(())
    }

    fn unsupported(&mut self, name: &str) {
        let message =
            format!("there are no messages such as `{name}{{...}}` here; write a map or a list");
        self.report("unsupported", message);
    }

    fn identifier(&mut self, name: &str) {
        let known = self.variables.contains(&name)
            || VARIABLES.contains(&name)
            || CONVERSIONS.contains(&name)
            || TYPES.contains(&name);
        if !known {
            let hint = match self.inputs {
                Some(inputs) if inputs.contains(&name) => format!("write `inputs.{name}`"),
                _ => format!(
                    "there are `{}`; write text in quotes",
                    VARIABLES.join("`, `")
                ),
            };
            self.report("unknown-name", format!("there is no `{name}`; {hint}"));
        }
    }

    /// Checks `inputs.field` and `labels.field`.
    fn input(&mut self, name: &str, field: &str) {
        let is_map = matches!(name, "inputs" | "labels") && !self.variables.contains(&name);
        let Some(inputs) = self.inputs.filter(|_| is_map) else {
            return;
        };
        if !inputs.contains(&field) {
            let known = inputs.join("`, `");
            let message = format!("the rule has no input `{field}`; it has `{known}`");
            self.report("unknown-input", message);
        }
    }

    fn call(&mut self, call: &CallExpr) {
        let name = call.func_name.as_str();
        if name == operators::INDEX
            && let [map, index] = call.args.as_slice()
            && let (Expr::Ident(map), Some(field)) = (&map.expr, literal(index))
        {
            self.input(map, field);
        }
        if let Some(helper) = helpers::find(name) {
            let given = call.args.len() + usize::from(call.target.is_some());
            if !helper.arguments.contains(&given) {
                let message = format!(
                    "`{name}` takes {}, not {given} (the value before the dot counts)",
                    helper.arity()
                );
                self.report("wrong-arguments", message);
            }
            let arguments: Vec<&IdedExpr> = call
                .target
                .as_deref()
                .into_iter()
                .chain(&call.args)
                .collect();
            if let Some(issue) = helpers::literal_issue(helper, |at| literal(arguments.get(at)?)) {
                self.report(issue.code, issue.message);
            }
        } else if !standard().any(|known| known == name)
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
        {
            let near = helpers::nearest(name, standard());
            let hint = near.map_or_else(
                || "see the list of functions".to_owned(),
                |known| format!("did you mean `{known}`?"),
            );
            let message = format!("there is no function `{name}`; {hint}");
            self.report("unknown-function", message);
        }
    }
}

fn standard() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.into_iter().chain(CONVERSIONS)
}

fn literal(expression: &IdedExpr) -> Option<&str> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
