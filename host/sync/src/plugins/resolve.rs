//! Finds what maps a pair, before a pass and before a mapping is saved.

use std::sync::Mutex;

use partneros_domain::{
    Mappings, ObjectPair, OrganizationId, PairId, PluginFailurePolicy, RulePlugin,
};
use partneros_runtime::Plugin;
use partneros_store::{Binding, MapperParts};

use super::activity::Activity;
use super::mapper::Mapper;
use super::shadow::ShadowReport;
use crate::engine::Parts;
use crate::error::Error;

/// Resolves what maps the records of a pair, without what only a pass needs. A plugin that a rule names and that cannot be
/// had is left out: the check of the mappings says so by the rule.
pub async fn mapper(
    parts: &Parts,
    organization: OrganizationId,
    pair: &ObjectPair,
    mappings: &Mappings,
) -> Result<Mapper, Error> {
    let store = &parts.store;
    let binding = store.effective_binding(organization, pair.id).await?;
    let default = MapperParts::default();
    let bound = binding.as_ref().map_or(&default, |binding| &binding.parts);
    Ok(Mapper {
        binding: binding.clone(),
        ..of_parts(parts, organization, pair, mappings, bound).await?
    })
}

/// The same as if these parts were bound.
pub async fn of_parts(
    parts: &Parts,
    organization: OrganizationId,
    pair: &ObjectPair,
    mappings: &Mappings,
    bound: &MapperParts,
) -> Result<Mapper, Error> {
    let store = parts.store.as_ref();
    Ok(Mapper {
        pair: pair.id,
        main: parts.plugins.of_parts(store, organization, bound).await?,
        rules: rules(parts, organization, mappings).await?,
        previous: None,
        candidate: None,
        binding: None,
        policy: pair.plugin_failure_policy,
        activity: Mutex::default(),
    })
}

/// The same for a pass: with what may step in, what is tried beside it, and how that compares so far.
pub async fn for_pass(
    parts: &Parts,
    organization: OrganizationId,
    pair: &ObjectPair,
    mappings: &Mappings,
) -> Result<Mapper, Error> {
    let mapper = mapper(parts, organization, pair, mappings).await?;
    let binding = mapper.binding.as_ref();
    Ok(Mapper {
        previous: previous(parts, organization, pair, binding).await,
        candidate: candidate(parts, organization, binding).await,
        activity: Mutex::new(activity(parts, organization, pair.id, binding).await?),
        ..mapper
    })
}

async fn rules(
    parts: &Parts,
    organization: OrganizationId,
    mappings: &Mappings,
) -> Result<Vec<(RulePlugin, Plugin)>, Error> {
    let mut found: Vec<(RulePlugin, Plugin)> = Vec::new();
    for named in mappings.0.iter().filter_map(|mapping| mapping.plugin) {
        if found.iter().any(|(known, _)| *known == named) {
            continue;
        }
        let store = parts.store.as_ref();
        match parts.plugins.of_rule(store, organization, named).await {
            Ok(plugin) => found.push((named, plugin)),
            Err(
                Error::Store(partneros_store::Error::NotFound { .. })
                | Error::Quarantined { .. }
                | Error::Load(_),
            ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What ran before, when it may have to step in. That it cannot be had any more is no reason not to run.
async fn previous(
    parts: &Parts,
    organization: OrganizationId,
    pair: &ObjectPair,
    binding: Option<&Binding>,
) -> Option<Plugin> {
    if pair.plugin_failure_policy != PluginFailurePolicy::LastGoodVersion {
        return None;
    }
    let previous = binding?.previous.as_ref()?;
    let store = parts.store.as_ref();
    let plugin = parts.plugins.of_parts(store, organization, previous).await;
    plugin
        .inspect_err(|error| {
            tracing::warn!(pair.id = %pair.id, error = crate::describe(error), "the version before cannot step in");
        })
        .ok()
}

/// What is tried beside. A candidate that cannot be had is not tried; the binding still says so.
async fn candidate(
    parts: &Parts,
    organization: OrganizationId,
    binding: Option<&Binding>,
) -> Option<(partneros_store::Candidate, Plugin)> {
    let candidate = binding?.candidate.clone()?;
    let store = parts.store.as_ref();
    let plugin = parts
        .plugins
        .of_parts(store, organization, &candidate.parts)
        .await;
    let plugin = plugin.inspect_err(|error| {
        tracing::warn!(
            error = crate::describe(error),
            "the candidate cannot be tried"
        );
    });
    Some((candidate, plugin.ok()?))
}

async fn activity(
    parts: &Parts,
    organization: OrganizationId,
    pair: PairId,
    binding: Option<&Binding>,
) -> Result<Activity, Error> {
    let mut activity = Activity::default();
    if let Some(candidate) = binding.and_then(|binding| binding.candidate.as_ref()) {
        let stored = parts.store.shadow_report(organization, pair).await?;
        let report = stored.and_then(|json| serde_json::from_value::<ShadowReport>(json).ok());
        activity.shadow =
            report.filter(|report| report.is_of(&candidate.parts, candidate.started_at));
    }
    Ok(activity)
}
