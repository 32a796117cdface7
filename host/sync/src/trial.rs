//! Asks the plugins whether they accept a pair's mappings, before any record moves.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use partneros_domain::plan::TransformDirection;
use partneros_domain::{FieldName, Mappings, ObjectPair, ObjectSchema};

use crate::engine::Parts;
use crate::error::{Error, MappingProblem};
use crate::pair_plan::{PairPlan, parked};
use crate::plugins::Mapper;

/// Everything that is wrong with mappings: against both schemas, then in the mapper's eyes.
pub async fn problems(
    parts: &Parts,
    mapper: &Arc<Mapper>,
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
            refused(parts, mapper, &plan)
                .await?
                .into_iter()
                .map(|(_, problem)| problem),
        );
    }
    Ok(found)
}

/// Takes the mappings that the mapper refuses out of a plan and parks them.
pub async fn park_refused(
    parts: &Parts,
    mapper: &Arc<Mapper>,
    plan: PairPlan,
    mappings: &Mappings,
    hubspot: &ObjectSchema,
) -> Result<PairPlan, Error> {
    let refused = refused(parts, mapper, &plan).await?;
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
    parts: &Parts,
    mapper: &Arc<Mapper>,
    plan: &PairPlan,
) -> Result<Vec<(FieldName, MappingProblem)>, Error> {
    let hash = hash(mapper, plan);
    if parts.plugins.has_accepted(hash) {
        return Ok(Vec::new());
    }
    let mut found: Vec<(FieldName, MappingProblem)> = Vec::new();
    for (direction, rules, plugins) in [
        (
            TransformDirection::ToPartnerOs,
            &plan.inbound,
            &plan.inbound_plugins,
        ),
        (
            TransformDirection::ToHubSpot,
            &plan.outbound,
            &plan.outbound_plugins,
        ),
    ] {
        let (mapper, rules, plugins) = (Arc::clone(mapper), rules.clone(), plugins.clone());
        let check = move || mapper.check(&rules, &plugins);
        let problems = parts.compute(check).await??;
        for problem in plan.name_problems(direction, &problems) {
            // What is wrong both ways is said once.
            if !found.contains(&problem) {
                found.push(problem);
            }
        }
    }
    if found.is_empty() {
        parts.plugins.accept(hash);
    }
    Ok(found)
}

/// The hash of all that a check goes by.
fn hash(mapper: &Mapper, plan: &PairPlan) -> u64 {
    let mut hasher = DefaultHasher::new();
    mapper.main.digest().hash(&mut hasher);
    for (named, plugin) in &mapper.rules {
        (named, plugin.digest()).hash(&mut hasher);
    }
    (&plan.inbound, &plan.inbound_plugins).hash(&mut hasher);
    (&plan.outbound, &plan.outbound_plugins).hash(&mut hasher);
    hasher.finish()
}
