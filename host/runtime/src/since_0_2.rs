//! Version 0.2 of the WIT contract, which was never published: it shows that versions stand side by side.
//!
//! Its interface `types` is that of 0.1, so only what 0.2 declares anew is converted here. A failure has a hint
//! more, which goes behind the message; the interface `explain` is optional, and nothing asks for it yet.

#[allow(
    missing_debug_implementations,
    clippy::pedantic,
    reason = "generated code; the lints are for what people write"
)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "tests/wit/mapper-0.2.0",
        world: "mapper",
        with: {
            "partneros:mapper/types": crate::since_0_1::types,
        },
    });
}

use partneros_domain as domain;
use partneros_domain::plan as domain_plan;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{AsContextMut, Result};

pub use self::bindings::exports::partneros::mapper::transform::Plan;
use self::bindings::exports::partneros::mapper::{describe, suggest, transform};
use crate::exports::exported;
use crate::world::World;

/// Where the functions of a component are found. Those that its world lacks are absent.
#[derive(Clone)]
pub struct Exports {
    describe: describe::GuestIndices,
    suggest: Option<suggest::GuestIndices>,
    transform: Option<transform::GuestIndices>,
}

impl Exports {
    /// Looks up the functions of the world.
    pub fn new<T>(pre: &InstancePre<T>, world: World) -> Result<Self> {
        let suggests = world.suggests().then(|| suggest::GuestIndices::new(pre));
        let transforms = world
            .transforms()
            .then(|| transform::GuestIndices::new(pre));
        Ok(Self {
            describe: describe::GuestIndices::new(pre)?,
            suggest: suggests.transpose()?,
            transform: transforms.transpose()?,
        })
    }

    pub fn describe(
        &self,
        mut store: impl AsContextMut,
        instance: &Instance,
    ) -> Result<domain::Description> {
        let guest = self.describe.load(&mut store, instance)?;
        let description = guest.call_describe(store)?;
        Ok(domain::Description {
            name: description.name,
            version: description.version,
            summary: description.summary,
            options_schema: description.options_schema,
        })
    }

    pub fn suggest(
        &self,
        mut store: impl AsContextMut,
        instance: &Instance,
        partneros: &domain::ObjectSchema,
        hubspot: &domain::ObjectSchema,
    ) -> Result<Result<Vec<domain::Suggestion>, String>> {
        let guest = exported(self.suggest.as_ref())?.load(&mut store, instance)?;
        let suggestions = guest.call_suggest(store, &partneros.into(), &hubspot.into())?;
        Ok(suggestions.map(|list| list.into_iter().map(suggestion).collect()))
    }

    pub fn check(
        &self,
        mut store: impl AsContextMut,
        instance: &Instance,
        plan: &Plan,
    ) -> Result<Vec<domain_plan::Problem>> {
        let guest = exported(self.transform.as_ref())?.load(&mut store, instance)?;
        let problem = |problem: transform::Problem| domain_plan::Problem {
            rule: problem.rule,
            code: problem.code,
            message: problem.message,
        };
        let problems = guest.call_check(store, plan)?;
        Ok(problems.into_iter().map(problem).collect())
    }

    pub fn transform(
        &self,
        mut store: impl AsContextMut,
        instance: &Instance,
        plan: &Plan,
        batch: Vec<domain::Column>,
    ) -> Result<Result<domain_plan::Transformed, String>> {
        let guest = exported(self.transform.as_ref())?.load(&mut store, instance)?;
        let batch: Vec<_> = batch.into_iter().map(Into::into).collect();
        Ok(guest.call_transform(store, plan, &batch)?.map(transformed))
    }
}

impl From<&domain_plan::Plan> for Plan {
    fn from(plan: &domain_plan::Plan) -> Self {
        let rule = |rule: &domain_plan::Rule| transform::Rule {
            inputs: rule.inputs.clone(),
            output: rule.output,
            options: rule.options.clone(),
        };
        Self {
            direction: match plan.direction {
                domain_plan::TransformDirection::ToHubSpot => transform::Direction::ToHubspot,
                domain_plan::TransformDirection::ToPartnerOs => transform::Direction::ToPartneros,
            },
            inputs: plan.inputs.iter().map(Into::into).collect(),
            outputs: plan.outputs.iter().map(Into::into).collect(),
            rules: plan.rules.iter().map(rule).collect(),
            extra: plan.extra.clone(),
        }
    }
}

fn transformed(transformed: transform::Transformed) -> domain_plan::Transformed {
    let failure = |failure: transform::Failure| domain_plan::Failure {
        rule: failure.rule,
        row: failure.row,
        code: failure.code,
        message: match failure.hint.as_str() {
            "" => failure.message,
            hint => format!("{}; {hint}", failure.message),
        },
    };
    domain_plan::Transformed {
        columns: transformed.columns.into_iter().map(Into::into).collect(),
        failures: transformed.failures.into_iter().map(failure).collect(),
    }
}

fn suggestion(suggestion: suggest::Suggestion) -> domain::Suggestion {
    let reason = |reason: suggest::Reason| domain::Reason {
        code: reason.code,
        message: reason.message,
    };
    let candidate = |candidate: suggest::Candidate| domain::Candidate {
        property: candidate.property,
        confidence: candidate.confidence,
        reasons: candidate.reasons.into_iter().map(reason).collect(),
    };
    domain::Suggestion {
        field: suggestion.field,
        candidates: suggestion.candidates.into_iter().map(candidate).collect(),
    }
}
