//! Calls every function of a plugin on the conformance set.
//!
//! After the first call of a function that breaks the contract the others of that function are left out, so that a
//! plugin which meets every limit costs a few calls and not all.

use std::fmt::Display;

use partneros_domain::FieldSchema;
use partneros_domain::plan::TransformDirection;

use super::conformance::{self, CASES};
use super::{Finding, Outcome, Trial, Tried};
use crate::call::{CallError, CallFailure, Called, Function, Usage};
use crate::plan::PreparedPlan;
use crate::plugin::Plugin;

/// What a call is given.
#[derive(Clone, Copy)]
struct Given {
    direction: Option<TransformDirection>,
    case: &'static str,
    rows: usize,
}

/// Tries what the plugin's world has.
pub fn run(plugin: &Plugin) -> Tried {
    let mut tried = Tried::default();
    tried.description = tried.call(
        Function::Describe,
        given("nothing"),
        plugin.describe(),
        |description| format!("`{}` {}", description.name, description.version),
    );
    if plugin.world().suggests() {
        let (partneros, hubspot) = conformance::schemas();
        let answer = plugin.suggest(&partneros, &hubspot);
        tried.call(Function::Suggest, given("schemas"), answer, |suggestions| {
            counted(suggestions.len(), "suggestion")
        });
    }
    if plugin.world().transforms() {
        let directions = [
            TransformDirection::ToHubSpot,
            TransformDirection::ToPartnerOs,
        ];
        for direction in directions {
            let Some(fields) = tried.check(plugin, direction) else {
                break;
            };
            if !tried.transform(plugin, direction, &fields) {
                break;
            }
        }
    }
    tried
}

fn given(case: &'static str) -> Given {
    Given {
        direction: None,
        case,
        rows: 0,
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

impl Tried {
    /// Tries `check`; returns the fields that the plugin takes as they are, without options.
    fn check(
        &mut self,
        plugin: &Plugin,
        direction: TransformDirection,
    ) -> Option<Vec<FieldSchema>> {
        let fields = conformance::fields();
        let plan = PreparedPlan::new(conformance::plan(direction, fields.clone())).ok()?;
        let given = Given {
            direction: Some(direction),
            ..given("plan")
        };
        let problems = self.call(Function::Check, given, plugin.check(&plan), |problems| {
            counted(problems.len(), "problem")
        })?;
        let refused = |position: usize| {
            problems
                .iter()
                .any(|problem| problem.rule as usize == position)
        };
        let taken = fields
            .into_iter()
            .enumerate()
            .filter(|(position, _)| !refused(*position));
        Some(taken.map(|(_, field)| field).collect())
    }

    /// Tries `transform` on every case; returns whether the plugin kept to the contract.
    fn transform(
        &mut self,
        plugin: &Plugin,
        direction: TransformDirection,
        fields: &[FieldSchema],
    ) -> bool {
        let plan = conformance::plan(direction, fields.to_vec());
        let Ok(plan) = PreparedPlan::new(plan) else {
            return false;
        };
        if fields.is_empty() {
            return true;
        }
        for case in &CASES {
            let given = Given {
                direction: Some(direction),
                case: case.name,
                rows: case.rows,
            };
            let findings = self.findings.len();
            let answer = plugin.transform(&plan, case.batch(direction, fields));
            self.call(Function::Transform, given, answer, |transformed| {
                counted(transformed.failures.len(), "failure")
            });
            if self.findings.len() > findings {
                return false;
            }
        }
        true
    }

    /// Notes how a call ended; returns its answer.
    fn call<T>(
        &mut self,
        function: Function,
        given: Given,
        answer: Result<Called<T>, CallError>,
        summary: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match answer {
            Ok(Called { value, usage }) => {
                let summary = summary(&value);
                self.note(function, given, Outcome::Answered, summary, &usage);
                Some(value)
            }
            Err(CallError { usage, failure, .. }) => {
                let code = code(&failure);
                let outcome = if code.is_some() {
                    Outcome::Failed
                } else {
                    Outcome::Declined
                };
                self.note(function, given, outcome, &failure, &usage);
                self.findings.extend(code.map(|code| Finding {
                    code: code.to_owned(),
                    function: function.to_string(),
                    place: place(given),
                    message: failure.to_string(),
                }));
                None
            }
        }
    }

    fn note(
        &mut self,
        function: Function,
        given: Given,
        outcome: Outcome,
        summary: impl Display,
        usage: &Usage,
    ) {
        self.trials.push(Trial {
            function: function.to_string(),
            direction: given.direction.map(|to| direction(to).to_owned()),
            case: given.case.to_owned(),
            rows: given.rows,
            outcome,
            summary: summary.to_string(),
            fuel: usage.fuel,
            memory_bytes_peak: usage.memory_bytes_peak,
            duration_ms: usage.duration.as_secs_f64() * 1_000.0,
        });
    }
}

/// The kind of finding that a failure is; none for one that the contract allows.
fn code(failure: &CallFailure) -> Option<&'static str> {
    Some(match failure {
        CallFailure::Declined { .. } => return None,
        CallFailure::Trapped { .. } => "trapped",
        CallFailure::OutOfFuel { .. } => "out-of-fuel",
        CallFailure::OutOfTime { .. } => "out-of-time",
        CallFailure::OutOfMemory { .. } => "out-of-memory",
        CallFailure::OutputTooLarge { .. } => "output-too-large",
        CallFailure::Incompatible { .. } => "incompatible",
        CallFailure::InvalidOutput(_) => "invalid-output",
        // The host's own limits on batches, or its state: the trial says nothing then, and must not pass for one.
        CallFailure::InvalidInput { .. } | CallFailure::Busy { .. } => "not-tried",
    })
}

fn place(given: Given) -> String {
    match given.direction {
        Some(to) => format!("{}, {}", direction(to), given.case),
        None => given.case.to_owned(),
    }
}

fn direction(direction: TransformDirection) -> &'static str {
    match direction {
        TransformDirection::ToHubSpot => "to-hubspot",
        TransformDirection::ToPartnerOs => "to-partneros",
    }
}
