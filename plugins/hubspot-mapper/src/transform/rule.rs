//! A rule, compiled once per call: what its inputs are, what its options say, how a value goes from
//! its input to its output.
//!
//! Everything that does not depend on a value is worked out here, so that a cell costs no more than
//! its own conversion. A rule that compiles can run: `check` and `transform` share this.

use crate::bindings::{self, Direction, FieldSchema, Plan};

use super::choice::Choices;
use super::date_format::DateFormat;
use super::kind::{self, End, Kind, Side};
use super::options::{Issue, Options};
use super::text::{Template, TemplatePart};
use super::value::{Cell, Wire};

/// A rule that can run.
#[derive(Debug)]
pub struct Rule<'p> {
    /// Positions of the inputs.
    pub inputs: Vec<usize>,
    /// Position of the output.
    pub output: usize,
    pub combine: Combine,
    /// The kind of each input.
    pub input_kinds: Vec<Kind>,
    pub source_side: Side,
    pub target: Target<'p>,
    pub direction: Direction,
    pub options: Options,
    pub choices: Option<Choices<'p>>,
    /// What stands in for no value, converted.
    pub default: Option<Cell>,
}

/// How the inputs become one value.
#[derive(Debug)]
pub enum Combine {
    One,
    Join(String),
    Template(Vec<Piece>),
}

/// A piece of a template: text, or an input by its position among the rule's inputs.
#[derive(Debug)]
pub enum Piece {
    Literal(String),
    Input(usize),
}

/// Where the values go.
#[derive(Debug, Clone, Copy)]
pub struct Target<'p> {
    pub field: &'p FieldSchema,
    pub kind: Kind,
    pub side: Side,
    pub wire: Wire,
}

impl<'p> Target<'p> {
    pub fn new(direction: Direction, field: &'p FieldSchema) -> Self {
        let (_, side) = sides(direction);
        let kind = Kind::of(side, field);
        Self {
            field,
            kind,
            side,
            wire: Wire::of(side, kind),
        }
    }
}

/// The side that values come from and the side they go to.
pub fn sides(direction: Direction) -> (Side, Side) {
    match direction {
        Direction::ToHubspot => (Side::PartnerOs, Side::HubSpot),
        Direction::ToPartneros => (Side::HubSpot, Side::PartnerOs),
    }
}

impl<'p> Rule<'p> {
    /// Compiles a rule, or says everything that is wrong with it.
    pub fn compile(plan: &'p Plan, rule: &bindings::Rule) -> Result<Self, Vec<Issue>> {
        let (source_side, target_side) = sides(plan.direction);
        let inputs = inputs(plan, rule)?;
        let fields: Vec<&FieldSchema> = inputs.iter().map(|(_, field)| *field).collect();
        let output = rule.output as usize;
        let field = plan.outputs.get(output).ok_or_else(|| {
            let message = format!(
                "there is no output {output}; the plan has {}",
                plan.outputs.len()
            );
            vec![Issue {
                code: "unknown-output",
                message,
            }]
        })?;
        let target = Target::new(plan.direction, field);
        let options = Options::parse(&rule.options, plan.direction)?;
        let mut issues = Vec::new();
        if field.read_only {
            issues.push(read_only(target_side, field));
        }
        let combine = combine(&fields, &options, plan.direction).unwrap_or_else(|issue| {
            issues.push(issue);
            Combine::One
        });
        let first = fields.first().copied().ok_or_else(Vec::new)?;
        let input_kinds: Vec<Kind> = fields
            .iter()
            .map(|field| Kind::of(source_side, field))
            .collect();
        let compiled = Self {
            inputs: inputs.into_iter().map(|(position, _)| position).collect(),
            output,
            combine,
            choices: Choices::of(field, first)
                .filter(|_| matches!(target.kind, Kind::Choice | Kind::MultiChoice)),
            input_kinds,
            source_side,
            target,
            direction: plan.direction,
            options,
            default: None,
        };
        issues.extend(compiled.type_issue(first, source_side));
        issues.extend(compiled.pointless_options());
        compiled.finish(issues)
    }

    /// What the values are after the inputs have become one.
    pub fn source_kind(&self) -> Kind {
        match (&self.combine, self.input_kinds.first()) {
            (Combine::One, Some(kind)) => *kind,
            _ => Kind::Text,
        }
    }

    /// Whether a value goes out exactly as it came in.
    pub fn is_passthrough(&self) -> bool {
        let options = &self.options;
        matches!(self.combine, Combine::One)
            && matches!(
                self.source_kind(),
                Kind::Text | Kind::Reference | Kind::Opaque
            )
            && (matches!(self.target.kind, Kind::Text | Kind::Reference)
                || (self.target.kind == Kind::Choice && self.choices.is_none()))
            && !self.has_text_steps()
            && options.truncate.is_none()
            && self.default.is_none()
    }

    /// Whether options change the value as text, before it is converted.
    pub fn has_text_steps(&self) -> bool {
        let options = &self.options;
        options.split.is_some()
            || !options.values.is_empty()
            || options.case.is_some()
            || options.trim
    }

    fn type_issue(&self, first: &FieldSchema, source_side: Side) -> Option<Issue> {
        let target = End {
            kind: self.target.kind,
            field: self.target.field,
        };
        let mut source = End {
            kind: self.source_kind(),
            field: first,
        };
        let epoch = self
            .options
            .date_format
            .as_ref()
            .is_some_and(DateFormat::is_epoch);
        let (from, to) = (source.kind, target.kind);
        if epoch && (from.is_numeric() && to.is_temporal() || from.is_temporal() && to.is_numeric())
        {
            return None;
        }
        // A value map turns single values into text that means one of the target's.
        if !self.options.values.is_empty() && from != Kind::MultiChoice {
            source.kind = Kind::Text;
        }
        if kind::converts(source, target) {
            return None;
        }
        let fix = match (from, to) {
            (_, Kind::Opaque) => "it can only be read",
            (Kind::Opaque, _) => "map it to a text field",
            (Kind::MultiChoice, _) | (_, Kind::MultiChoice) => {
                "map it to a text or multi-choice field"
            }
            (a, b) if a.is_temporal() && b.is_numeric() || a.is_numeric() && b.is_temporal() => {
                "choose a date, or set `dateFormat` to `epoch-ms` or `epoch-s`"
            }
            _ => {
                "choose a field of a matching type, or give every value its counterpart with `values`"
            }
        };
        let (name, other) = (&first.name, &self.target.field.name);
        let message = format!(
            "`{name}` is of type {} in {}, which does not convert to type {} of `{other}` in {}; {fix}",
            from.name(),
            source_side.name(),
            to.name(),
            self.target.side.name(),
        );
        Some(Issue {
            code: "unsupported-types",
            message,
        })
    }

    fn pointless_options(&self) -> Vec<Issue> {
        let among = |wanted: fn(Kind) -> bool| {
            wanted(self.target.kind) || self.input_kinds.iter().copied().any(wanted)
        };
        let options = &self.options;
        let pointless = [
            (
                "scale",
                options.scale.is_some() && !among(Kind::is_numeric),
                "a number",
            ),
            (
                "decimals",
                options.decimals.is_some() && !among(Kind::is_numeric),
                "a number",
            ),
            (
                "dateFormat",
                options.date_format.is_some() && !among(Kind::is_temporal),
                "a date",
            ),
        ];
        let found = pointless.into_iter().filter(|(_, found, _)| *found);
        found
            .map(|(name, _, what)| Issue {
                code: "pointless-option",
                message: format!("option `{name}` needs {what} on one side; remove it"),
            })
            .collect()
    }

    /// Converts the default and the targets of the value map, which must fit like any value.
    fn finish(mut self, mut issues: Vec<Issue>) -> Result<Self, Vec<Issue>> {
        if let Some(choices) = &self.choices {
            for (from, to) in &self.options.values {
                if !to.is_empty() && choices.find(to).is_none() {
                    let message = format!("option `values` maps `{from}`: {}", choices.unknown(to));
                    issues.push(Issue {
                        code: "unknown-choice",
                        message,
                    });
                }
            }
        }
        if let Some(default) = self.options.default.take() {
            match self.write_default(default) {
                Ok(cell) => self.default = cell,
                Err(fault) => {
                    let message = format!("option `default`: {}", fault.message);
                    issues.push(Issue {
                        code: fault.code,
                        message,
                    });
                }
            }
        }
        if issues.is_empty() {
            Ok(self)
        } else {
            Err(issues)
        }
    }
}

fn inputs<'p>(
    plan: &'p Plan,
    rule: &bindings::Rule,
) -> Result<Vec<(usize, &'p FieldSchema)>, Vec<Issue>> {
    if rule.inputs.is_empty() {
        let message = "the rule has no input; give it at least one".to_owned();
        return Err(vec![Issue {
            code: "no-input",
            message,
        }]);
    }
    let find = |position: &u32| {
        let position = *position as usize;
        plan.inputs
            .get(position)
            .map(|field| (position, field))
            .ok_or_else(|| {
                let message = format!(
                    "there is no input {position}; the plan has {}",
                    plan.inputs.len()
                );
                vec![Issue {
                    code: "unknown-input",
                    message,
                }]
            })
    };
    rule.inputs.iter().map(find).collect()
}

fn read_only(side: Side, field: &FieldSchema) -> Issue {
    let (side, name) = (side.name(), &field.name);
    let message = format!("`{name}` is read-only in {side}; map it in the other direction only");
    Issue {
        code: "read-only",
        message,
    }
}

fn combine(
    fields: &[&FieldSchema],
    options: &Options,
    direction: Direction,
) -> Result<Combine, Issue> {
    if let Some(template) = &options.template {
        let known = template
            .names()
            .filter(|name| position(fields, name).is_some())
            .count();
        // A template for the way out names PartnerOS fields and means nothing on the way back.
        let applies =
            options.template_is_directed || direction == Direction::ToHubspot || known > 0;
        if applies {
            return pieces(template, fields).map(Combine::Template);
        }
    }
    match (&options.join, fields.len()) {
        (_, 1) => Ok(Combine::One),
        (Some(separator), _) => Ok(Combine::Join(separator.clone())),
        (None, count) => {
            let message =
                format!("{count} inputs need the option `join` or `template` to become one value");
            Err(Issue {
                code: "several-inputs",
                message,
            })
        }
    }
}

fn pieces(template: &Template, fields: &[&FieldSchema]) -> Result<Vec<Piece>, Issue> {
    let piece = |part: &TemplatePart| {
        match part {
        TemplatePart::Literal(text) => Ok(Piece::Literal(text.clone())),
        TemplatePart::Input(name) => position(fields, name).map(Piece::Input).ok_or_else(|| {
            let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
            let message = format!(
                "option `template` names `{name}`, which is not an input of the rule; its inputs are {}",
                names.join(", ")
            );
            Issue { code: "unknown-input", message }
        }),
    }
    };
    template.parts.iter().map(piece).collect()
}

fn position(fields: &[&FieldSchema], name: &str) -> Option<usize> {
    fields.iter().position(|field| field.name == name)
}
