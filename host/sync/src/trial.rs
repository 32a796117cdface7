//! Asks the mapper whether it accepts a pair's mappings, before any record moves.

use std::collections::HashSet;
use std::sync::Arc;

use partneros_domain::plan::{Plan, TransformDirection};
use partneros_domain::{FieldName, Mappings, ObjectPair, ObjectSchema};
use partneros_runtime::PreparedPlan;

use crate::engine::Parts;
use crate::error::{Error, MappingProblem};
use crate::pair_plan::{PairPlan, parked};

/// Everything that is wrong with mappings: against both schemas, then in the mapper's eyes.
pub async fn problems(
    parts: &Arc<Parts>,
    pair: &ObjectPair,
    mappings: &Mappings,
    object: &ObjectSchema,
    hubspot: &ObjectSchema,
) -> Result<Vec<MappingProblem>, Error> {
    let mut found: Vec<MappingProblem> = mappings
        .problems(object, hubspot, pair.direction)
        .iter()
        .map(MappingProblem::from)
        .collect();
    if found.is_empty() {
        let plan = PairPlan::new(pair, mappings, object, hubspot);
        found.extend(
            refused(parts, &plan)
                .await?
                .into_iter()
                .map(|(_, problem)| problem),
        );
    }
    Ok(found)
}

/// Takes the mappings that the mapper refuses out of a plan and parks them.
pub async fn park_refused(
    parts: &Arc<Parts>,
    plan: PairPlan,
    mappings: &Mappings,
    hubspot: &ObjectSchema,
) -> Result<PairPlan, Error> {
    let refused = refused(parts, &plan).await?;
    if refused.is_empty() {
        return Ok(plan);
    }
    // A mapping may be refused in both directions; its first reason is enough.
    let mut fields = HashSet::new();
    let failures: Vec<_> = refused
        .into_iter()
        .filter(|(field, _)| fields.insert(field.clone()))
        .map(|(field, problem)| {
            let failure = parked(&field, None, &problem.code, &problem.message);
            (field, failure)
        })
        .collect();
    Ok(plan.without(&failures, mappings, hubspot))
}

/// What the mapper refuses, by field.
pub async fn refused(
    parts: &Arc<Parts>,
    plan: &PairPlan,
) -> Result<Vec<(FieldName, MappingProblem)>, Error> {
    let mut found = Vec::new();
    for (direction, rules) in [
        (TransformDirection::ToPartnerOs, &plan.inbound),
        (TransformDirection::ToHubSpot, &plan.outbound),
    ] {
        let problems = ask(parts, rules.clone()).await?;
        found.extend(plan.name_problems(direction, &problems));
    }
    Ok(found)
}

async fn ask(
    parts: &Arc<Parts>,
    plan: Plan,
) -> Result<Vec<partneros_domain::plan::Problem>, Error> {
    if plan.rules.is_empty() {
        return Ok(Vec::new());
    }
    let prepared = PreparedPlan::new(plan).map_err(Error::InvalidPlan)?;
    let mapper = parts.mapper.clone();
    Ok(tokio::task::spawn_blocking(move || mapper.check(&prepared))
        .await??
        .value)
}
