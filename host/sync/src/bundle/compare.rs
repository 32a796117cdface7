//! What a bundle would change about a pair, and what would come out differently.

use std::collections::BTreeMap;
use std::sync::Arc;

use partneros_domain::{FieldMapping, FieldName, Mappings, ObjectPair, OrganizationId, PairId};
use partneros_store::{MapperParts, MappingSet, VersionState};
use serde::Serialize;
use serde_json::Value as Json;

use super::{
    Bundle, BundledPlugin, BundledSettings, Comparison, FIXTURES_MAX, FixtureDifference,
    MappingChange, SettingChange, fixtures,
};
use crate::engine::Engine;
use crate::error::{Error, MappingProblem};
use crate::pair_plan::PairPlan;
use crate::{plugins, trial};

impl Engine {
    /// Compares a pair with a bundle. Nothing is written.
    pub async fn compare(
        &self,
        organization: OrganizationId,
        pair: PairId,
        bundle: &Bundle,
    ) -> Result<Comparison, Error> {
        let store = &self.parts().store;
        let pair = store.pair(organization, pair).await?;
        if pair.object != bundle.object {
            return Err(Error::OtherObject {
                bundled: bundle.object.clone(),
                own: pair.object,
            });
        }
        if bundle.fixtures.len() > FIXTURES_MAX {
            return Err(Error::TooManyFixtures {
                fixtures: bundle.fixtures.len(),
                fixtures_max: FIXTURES_MAX,
            });
        }
        let MappingSet { version, mappings } = store.mappings(organization, pair.id).await?;
        let seen = store.effective_binding(organization, pair.id).await?;
        let bound = seen
            .as_ref()
            .map_or_else(MapperParts::default, |seen| seen.parts.clone());
        let missing = self.missing(organization, bundle).await?;
        let (problems, differences) = if missing.is_empty() {
            self.rehearse(organization, &pair, bundle).await?
        } else {
            Default::default()
        };
        Ok(Comparison {
            settings: setting_changes(&BundledSettings::from(&pair), &bundle.settings),
            mappings: mapping_changes(&mappings, &bundle.mappings),
            mapper: (bound != bundle.mapper).then(|| (bound, bundle.mapper.clone())),
            pair,
            version,
            seen,
            missing,
            problems,
            differences,
        })
    }

    async fn missing(
        &self,
        organization: OrganizationId,
        bundle: &Bundle,
    ) -> Result<Vec<BundledPlugin>, Error> {
        let mut missing = Vec::new();
        for digest in Bundle::needs(&bundle.mapper, &bundle.mappings) {
            match self
                .parts()
                .store
                .plugin_version(organization, digest)
                .await
            {
                Ok(version) if version.state != VersionState::Quarantined => continue,
                Ok(_) | Err(partneros_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let named = bundle.plugins.iter().find(|plugin| plugin.digest == digest);
            missing.push(BundledPlugin {
                digest,
                plugin: named.map(|named| named.plugin.clone()).unwrap_or_default(),
            });
        }
        Ok(missing)
    }

    /// Checks the bundle's mappings and tries its fixtures as if the pair were set up like it.
    async fn rehearse(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        bundle: &Bundle,
    ) -> Result<(Vec<MappingProblem>, Vec<FixtureDifference>), Error> {
        let parts = self.parts();
        let pair = bundle.settings.of(pair);
        let (object, hubspot) = self.schemas_of(organization, &pair).await?;
        let mappings = &bundle.mappings;
        let mapper =
            plugins::resolve_parts(parts, organization, &pair, mappings, &bundle.mapper).await?;
        let mapper = Arc::new(mapper);
        let problems = trial::problems(parts, &mapper, &pair, mappings, &object, &hubspot).await?;
        if !problems.is_empty() {
            return Ok((problems, Vec::new()));
        }
        let plan = PairPlan::new(&pair, mappings, &object, &hubspot);
        let (samples, at) = (bundle.fixtures.clone(), parts.environment.now());
        let run = move || fixtures::differences(&mapper, &plan, &samples, at);
        let differences = parts.compute(run).await??;
        Ok((problems, differences))
    }
}

fn setting_changes(from: &BundledSettings, to: &BundledSettings) -> Vec<SettingChange> {
    let mut changes = Vec::new();
    let mut differ = |name, from: Json, to: Json| {
        if from != to {
            changes.push(SettingChange { name, from, to });
        }
    };
    differ("direction", json(&from.direction), json(&to.direction));
    differ(
        "conflictPolicy",
        json(&from.conflict_policy),
        json(&to.conflict_policy),
    );
    differ("matchKey", json(&from.match_key), json(&to.match_key));
    differ("thresholds", json(&from.thresholds), json(&to.thresholds));
    differ(
        "pluginFailurePolicy",
        json(&from.plugin_failure_policy),
        json(&to.plugin_failure_policy),
    );
    differ(
        "deletePolicy",
        json(&from.delete_policy),
        json(&to.delete_policy),
    );
    changes
}

fn json(setting: &impl Serialize) -> Json {
    serde_json::to_value(setting).unwrap_or_default()
}

/// Mappings that differ in more than how sure a mapper once was.
fn mapping_changes(from: &Mappings, to: &Mappings) -> Vec<MappingChange> {
    type Sides<'a> = (Option<&'a FieldMapping>, Option<&'a FieldMapping>);
    let mut fields: BTreeMap<&FieldName, Sides<'_>> = BTreeMap::new();
    for mapping in &from.0 {
        fields.entry(&mapping.field).or_default().0 = Some(mapping);
    }
    for mapping in &to.0 {
        fields.entry(&mapping.field).or_default().1 = Some(mapping);
    }
    let plain = |mapping: &FieldMapping| FieldMapping {
        confidence: None,
        ..mapping.clone()
    };
    fields
        .into_values()
        .filter(|(from, to)| from.map(plain) != to.map(plain))
        .map(|(from, to)| MappingChange {
            from: from.cloned(),
            to: to.cloned(),
        })
        .collect()
}
