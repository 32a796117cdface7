//! Bundles: how one pair is set up, to be carried to a pair of another organization or host.
//!
//! A bundle holds settings, mappings, the digests of the plugins that they need, and fixtures: sample values with what
//! becomes of them. It holds no record and no component. Whoever takes it over sees first what would change, which
//! plugins are missing, and which fixtures would come out differently.

mod compare;
mod export;
mod fixtures;
mod import;

use std::collections::BTreeMap;

use partneros_domain::{
    ConflictPolicy, DeletePolicy, Digest, Direction, FieldMapping, FieldName, Mappings, MatchKey,
    ObjectPair, PluginFailurePolicy, RulePlugin, Thresholds,
};
use partneros_store::{Binding, MapperParts};
use serde_json::Value as Json;

use crate::error::MappingProblem;

/// The most fixtures of a bundle.
pub const FIXTURES_MAX: usize = 100;

/// How a pair is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The PartnerOS object.
    pub object: String,
    /// The HubSpot object type; custom objects have another in each portal.
    pub hubspot_object: String,
    /// The settings.
    pub settings: BundledSettings,
    /// The mappings.
    pub mappings: Mappings,
    /// What maps.
    pub mapper: MapperParts,
    /// The mapper that ships with the host the bundle is from.
    pub default_mapper: Digest,
    /// The uploaded versions that the mapper and the mappings need.
    pub plugins: Vec<BundledPlugin>,
    /// Samples.
    pub fixtures: Vec<Fixture>,
}

/// The settings of a pair that a bundle carries.
#[derive(Debug, Clone, PartialEq)]
pub struct BundledSettings {
    /// Where values may flow.
    pub direction: Direction,
    /// The policy for new mappings.
    pub conflict_policy: ConflictPolicy,
    /// How existing records find each other.
    pub match_key: Option<MatchKey>,
    /// How confidence becomes a state.
    pub thresholds: Thresholds,
    /// What happens when a plugin fails on a batch.
    pub plugin_failure_policy: PluginFailurePolicy,
    /// What becomes of the other side when a record or its HubSpot object is deleted.
    pub delete_policy: DeletePolicy,
}

/// A version that a bundle needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundledPlugin {
    /// The version.
    pub digest: Digest,
    /// The plugin's name where the bundle is from, to find it by.
    pub plugin: String,
}

/// Sample values of HubSpot, what they become in PartnerOS, and what that becomes in HubSpot. Values that are not named
/// are not compared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fixture {
    /// HubSpot's values by property.
    pub hubspot: BTreeMap<FieldName, Option<String>>,
    /// PartnerOS's by field.
    pub partneros: BTreeMap<FieldName, Json>,
    /// HubSpot's again, by property.
    pub back: BTreeMap<FieldName, Option<String>>,
}

/// What a bundle would change about a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The pair.
    pub pair: ObjectPair,
    /// The version of its mappings.
    pub version: i64,
    /// What is bound for it.
    pub seen: Option<Binding>,
    /// Settings that differ.
    pub settings: Vec<SettingChange>,
    /// Mappings that differ, by field.
    pub mappings: Vec<MappingChange>,
    /// What maps now and would map then, if that differs.
    pub mapper: Option<(MapperParts, MapperParts)>,
    /// Versions that the organization does not have, or must not run. With any, nothing below is known.
    pub missing: Vec<BundledPlugin>,
    /// What is wrong with the bundle's mappings here. With anything, no fixture is tried.
    pub problems: Vec<MappingProblem>,
    /// Fixtures that come out differently here.
    pub differences: Vec<FixtureDifference>,
}

/// A setting that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingChange {
    /// Its name in the API.
    pub name: &'static str,
    /// As it is.
    pub from: Json,
    /// As it would be.
    pub to: Json,
}

/// A mapping that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingChange {
    /// As it is; none for a field that has none.
    pub from: Option<FieldMapping>,
    /// As it would be; none for one that would be removed.
    pub to: Option<FieldMapping>,
}

/// A value of a fixture that comes out differently.
#[derive(Debug, Clone, PartialEq)]
pub struct FixtureDifference {
    /// The position of the fixture in the bundle.
    pub fixture: usize,
    /// The PartnerOS field, or the HubSpot property of what goes back.
    pub name: FieldName,
    /// Whether it is the value that goes back.
    pub is_back: bool,
    /// What the fixture says.
    pub expected: Json,
    /// What came out; none when nothing did.
    pub got: Json,
    /// Why nothing came out, if so.
    pub problem: Option<String>,
}

impl Bundle {
    /// The uploaded versions that the mapper and the mappings name, each once.
    fn needs(mapper: &MapperParts, mappings: &Mappings) -> Vec<Digest> {
        let named = mappings
            .0
            .iter()
            .filter_map(|mapping| match mapping.plugin {
                Some(RulePlugin::Version(digest)) => Some(digest),
                Some(RulePlugin::Expression) | None => None,
            });
        let mut needs = Vec::new();
        for digest in mapper.0.iter().copied().chain(named) {
            if !needs.contains(&digest) {
                needs.push(digest);
            }
        }
        needs
    }
}

impl From<&ObjectPair> for BundledSettings {
    fn from(pair: &ObjectPair) -> Self {
        Self {
            direction: pair.direction,
            conflict_policy: pair.conflict_policy,
            match_key: pair.match_key.clone(),
            thresholds: pair.thresholds,
            plugin_failure_policy: pair.plugin_failure_policy,
            delete_policy: pair.delete_policy,
        }
    }
}

impl BundledSettings {
    /// The pair with these settings.
    fn of(&self, pair: &ObjectPair) -> ObjectPair {
        ObjectPair {
            direction: self.direction,
            conflict_policy: self.conflict_policy,
            match_key: self.match_key.clone(),
            thresholds: self.thresholds,
            plugin_failure_policy: self.plugin_failure_policy,
            delete_policy: self.delete_policy,
            ..pair.clone()
        }
    }
}

impl Comparison {
    /// Whether the pair is set up like the bundle already.
    pub fn is_same(&self) -> bool {
        self.settings.is_empty() && self.mappings.is_empty() && self.mapper.is_none()
    }
}
