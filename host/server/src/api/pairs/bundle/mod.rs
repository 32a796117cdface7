//! Bundles: how a pair is set up, taken out of one organization and into another.

pub mod compare;
pub mod export;
pub mod import;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use partneros_domain::{
    ConflictPolicy, DeletePolicy, Digest, Direction, FieldMapping, FieldName, Mappings, MatchKey,
    PluginFailurePolicy, Thresholds,
};
use partneros_store::MapperParts;
use partneros_sync::{
    Bundle, BundledPlugin, BundledSettings, Comparison, Fixture, FixtureDifference, MappingChange,
    SettingChange,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{MatchKeyView, ThresholdsView, settings};
use crate::api::mappings::{MappingView, duplicates};
use crate::api::words;
use crate::auth::Caller;
use crate::problem::{Detail, Problem};
use crate::state::AppState;

/// The version of the form that bundles have.
const FORMAT: u32 = 1;

/// How a pair is set up, to be carried elsewhere. It holds no record and no component.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Bundle)]
pub struct BundleView {
    /// The version of this form; 1.
    format: u32,
    /// The PartnerOS object, such as `partners`.
    object: String,
    /// The HubSpot object type, such as `companies`. Not compared: custom objects have another in each portal.
    hubspot_object: String,
    /// The settings.
    settings: SettingsView,
    /// The mappings.
    mappings: Vec<MappingView>,
    /// What maps, by sha256: layers, the topmost first, then the mapper; empty for the default mapper.
    #[schema(value_type = Vec<String>)]
    mapper: MapperParts,
    /// The sha256 of the mapper that ships with the host the bundle is from.
    #[schema(value_type = String)]
    default_mapper: Digest,
    /// The uploaded versions that the mapper and the mappings need.
    plugins: Vec<PluginView>,
    /// Samples.
    fixtures: Vec<FixtureView>,
}

/// The settings of a pair that a bundle carries.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = BundledSettings)]
pub struct SettingsView {
    /// Where values may flow.
    #[schema(value_type = words::Direction)]
    direction: Direction,
    /// The policy that new mappings start with.
    #[schema(value_type = words::ConflictPolicy)]
    conflict_policy: ConflictPolicy,
    /// How records that exist on both sides find each other; null: they do not.
    match_key: Option<MatchKeyView>,
    /// From which confidence a suggestion is applied or shown.
    thresholds: ThresholdsView,
    /// What happens when a plugin fails on a batch.
    #[schema(value_type = words::PluginFailurePolicy)]
    plugin_failure_policy: PluginFailurePolicy,
    /// What becomes of the other side when a record or its HubSpot object is deleted; `unlink` where a bundle does not say.
    #[serde(default)]
    #[schema(value_type = words::DeletePolicy)]
    delete_policy: DeletePolicy,
}

/// An uploaded version that a bundle needs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BundledPlugin)]
pub struct PluginView {
    /// The version.
    #[schema(value_type = String)]
    sha256: Digest,
    /// The plugin's name where the bundle is from.
    plugin: String,
}

/// Sample values of HubSpot by property, what they become in PartnerOS by field, and what that becomes in HubSpot. What is
/// not named is not compared.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BundleFixture)]
pub struct FixtureView {
    /// HubSpot's values.
    #[schema(value_type = BTreeMap<String, Option<String>>)]
    hubspot: BTreeMap<FieldName, Option<String>>,
    /// PartnerOS's.
    #[schema(value_type = Object)]
    partneros: BTreeMap<FieldName, Value>,
    /// HubSpot's again.
    #[schema(value_type = BTreeMap<String, Option<String>>)]
    back: BTreeMap<FieldName, Option<String>>,
}

/// What a bundle would change about a pair.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BundleComparison)]
pub struct ComparisonView {
    /// The version of the pair's mappings, to name in an import.
    version: i64,
    /// Settings that differ.
    settings: Vec<SettingChangeView>,
    /// Mappings that differ.
    mappings: Vec<MappingChangeView>,
    /// What maps, if that differs.
    mapper: Option<MapperChangeView>,
    /// Versions that the organization does not have, or that are quarantined. With any, nothing below is known.
    missing_plugins: Vec<PluginView>,
    /// What is wrong with the mappings here. With anything, no fixture is tried.
    problems: Vec<Detail>,
    /// Values of fixtures that come out differently here.
    fixture_differences: Vec<FixtureDifferenceView>,
}

/// A setting that differs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingChange)]
pub struct SettingChangeView {
    /// The setting.
    name: &'static str,
    /// As it is.
    from: Value,
    /// As it would be.
    to: Value,
}

/// A mapping that differs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MappingChange)]
pub struct MappingChangeView {
    /// As it is; null for a field that has none.
    from: Option<MappingView>,
    /// As it would be; null for one that would be removed.
    to: Option<MappingView>,
}

/// What maps, when that differs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MapperChange)]
pub struct MapperChangeView {
    /// Now, by sha256.
    #[schema(value_type = Vec<String>)]
    from: MapperParts,
    /// Then.
    #[schema(value_type = Vec<String>)]
    to: MapperParts,
}

/// A value of a fixture that comes out differently.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FixtureDifference)]
pub struct FixtureDifferenceView {
    /// The position of the fixture in the bundle, from 0.
    fixture: usize,
    /// The PartnerOS field, or the HubSpot property of a value that goes back.
    #[schema(value_type = String)]
    name: FieldName,
    /// Whether it is a value that goes back.
    is_back: bool,
    /// What the fixture says.
    expected: Value,
    /// What came out; null for nothing.
    got: Value,
    /// Why nothing came out, if so.
    problem: Option<String>,
}

/// A bundle that cannot be read.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to read the bundle: its format is {0}, and this host reads {FORMAT}")]
    Format(u32),
    #[error("failed to use the bundle as it is; each detail names what to change")]
    Duplicates,
}

impl BundleView {
    /// Checks what can be checked without the plugins.
    async fn checked(
        self,
        state: &AppState,
        caller: &Caller,
        pair: partneros_domain::PairId,
    ) -> Result<Bundle, Problem> {
        if self.format != FORMAT {
            let error = Error::Format(self.format);
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_bundle",
                &error,
            ));
        }
        let duplicates = duplicates(&self.mappings);
        if !duplicates.is_empty() {
            let problem = Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_mappings",
                &Error::Duplicates,
            );
            return Err(problem.with_details(duplicates));
        }
        let bundle = Bundle::from(self);
        let organization = caller.organization;
        let pair = state.store.pair(organization, pair).await?;
        let (object, hubspot) = state.engine.schemas_of(organization, &pair).await?;
        let settings = &bundle.settings;
        let (key, thresholds) = (settings.match_key.as_ref(), Some(settings.thresholds));
        settings::check(&object, &hubspot, key, thresholds)?;
        Ok(bundle)
    }
}

impl From<BundleView> for Bundle {
    fn from(view: BundleView) -> Self {
        let plugins = view.plugins.into_iter().map(|plugin| BundledPlugin {
            digest: plugin.sha256,
            plugin: plugin.plugin,
        });
        let fixtures = view.fixtures.into_iter().map(|fixture| Fixture {
            hubspot: fixture.hubspot,
            partneros: fixture.partneros,
            back: fixture.back,
        });
        Self {
            object: view.object,
            hubspot_object: view.hubspot_object,
            settings: BundledSettings {
                direction: view.settings.direction,
                conflict_policy: view.settings.conflict_policy,
                match_key: view.settings.match_key.map(MatchKey::from),
                thresholds: Thresholds::from(view.settings.thresholds),
                plugin_failure_policy: view.settings.plugin_failure_policy,
                delete_policy: view.settings.delete_policy,
            },
            mappings: Mappings(view.mappings.into_iter().map(FieldMapping::from).collect()),
            mapper: view.mapper,
            default_mapper: view.default_mapper,
            plugins: plugins.collect(),
            fixtures: fixtures.collect(),
        }
    }
}

impl From<Bundle> for BundleView {
    fn from(bundle: Bundle) -> Self {
        let settings = bundle.settings;
        let fixtures = bundle.fixtures.into_iter().map(|fixture| FixtureView {
            hubspot: fixture.hubspot,
            partneros: fixture.partneros,
            back: fixture.back,
        });
        Self {
            format: FORMAT,
            object: bundle.object,
            hubspot_object: bundle.hubspot_object,
            settings: SettingsView {
                direction: settings.direction,
                conflict_policy: settings.conflict_policy,
                match_key: settings.match_key.map(MatchKeyView::from),
                thresholds: settings.thresholds.into(),
                plugin_failure_policy: settings.plugin_failure_policy,
                delete_policy: settings.delete_policy,
            },
            mappings: bundle
                .mappings
                .0
                .into_iter()
                .map(MappingView::from)
                .collect(),
            mapper: bundle.mapper,
            default_mapper: bundle.default_mapper,
            plugins: bundle.plugins.into_iter().map(PluginView::from).collect(),
            fixtures: fixtures.collect(),
        }
    }
}

impl From<BundledPlugin> for PluginView {
    fn from(plugin: BundledPlugin) -> Self {
        Self {
            sha256: plugin.digest,
            plugin: plugin.plugin,
        }
    }
}

impl From<Comparison> for ComparisonView {
    fn from(comparison: Comparison) -> Self {
        let missing = comparison.missing.into_iter().map(PluginView::from);
        let settings = comparison.settings.into_iter().map(SettingChangeView::from);
        let mappings = comparison.mappings.into_iter().map(MappingChangeView::from);
        let differences = comparison.differences.into_iter();
        Self {
            version: comparison.version,
            settings: settings.collect(),
            mappings: mappings.collect(),
            mapper: comparison
                .mapper
                .map(|(from, to)| MapperChangeView { from, to }),
            missing_plugins: missing.collect(),
            problems: comparison.problems.into_iter().map(Detail::from).collect(),
            fixture_differences: differences.map(FixtureDifferenceView::from).collect(),
        }
    }
}

impl From<SettingChange> for SettingChangeView {
    fn from(SettingChange { name, from, to }: SettingChange) -> Self {
        Self { name, from, to }
    }
}

impl From<MappingChange> for MappingChangeView {
    fn from(change: MappingChange) -> Self {
        Self {
            from: change.from.map(MappingView::from),
            to: change.to.map(MappingView::from),
        }
    }
}

impl From<FixtureDifference> for FixtureDifferenceView {
    fn from(difference: FixtureDifference) -> Self {
        Self {
            fixture: difference.fixture,
            name: difference.name,
            is_back: difference.is_back,
            expected: difference.expected,
            got: difference.got,
            problem: difference.problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn what_was_exported_changes_nothing_where_it_is_from() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}", api.active_pair().await);
        let acme = api.acme();
        let bundle = acme.get(&format!("{path}/bundle")).await.expect(200)["bundle"].clone();
        assert!(bundle["fixtures"].as_array().unwrap().len() > 1);
        let compare = json!({"bundle": bundle});
        let compared = acme.post(&format!("{path}/bundle/compare"), compare).await;
        let compared = compared.expect(200)["comparison"].clone();
        for list in [
            "settings",
            "mappings",
            "missingPlugins",
            "problems",
            "fixtureDifferences",
        ] {
            assert_eq!(compared[list], json!([]), "{list}");
        }
        assert_eq!(compared["mapper"], json!(null));
        let import = json!({"bundle": bundle, "version": compared["version"]});
        let imported = acme
            .post(&format!("{path}/bundle"), import)
            .await
            .expect(200);
        assert_eq!(imported["comparison"]["version"], compared["version"]);
    }

    #[tokio::test]
    async fn a_bundle_that_does_not_fit_is_refused_with_what_to_change() {
        let api = TestApi::new().await;
        let path = format!("/api/pairs/{}/bundle", api.active_pair().await);
        let acme = api.acme();
        let mut bundle = acme.get(&path).await.expect(200)["bundle"].clone();
        let import = |bundle| json!({"bundle": bundle, "version": 0});
        let sound = bundle.clone();
        bundle["settings"]["conflictPolicy"] = json!("crm_wins");
        let changed = bundle.clone();
        acme.post(&path, import(changed.clone()))
            .await
            .refused(412, "version_mismatch");
        bundle["mapper"] = json!(["ab".repeat(32)]);
        acme.post(&path, import(bundle.clone()))
            .await
            .refused(409, "plugins_missing");
        bundle["format"] = json!(2);
        acme.post(&path, import(bundle))
            .await
            .refused(400, "invalid_bundle");
        let with = |name: &str, value| {
            let mut bundle = sound.clone();
            bundle[name] = value;
            import(bundle)
        };
        let twice = json!([sound["mappings"][0], sound["mappings"][0]]);
        acme.post(&path, with("mappings", twice))
            .await
            .refused(400, "invalid_mappings");
        acme.post(&path, with("object", json!("deals")))
            .await
            .refused(400, "invalid_bundle");
        let fixture = json!({"hubspot": {}, "partneros": {}, "back": {}});
        let many = with("fixtures", json!(vec![fixture; 101]));
        acme.post(&path, many).await.refused(400, "invalid_bundle");
        let version = acme
            .post(&format!("{path}/compare"), json!({"bundle": changed}))
            .await;
        let version = version.expect(200)["comparison"]["version"].clone();
        let import = json!({"bundle": changed, "version": version});
        let done = acme.post(&path, import).await.expect(200);
        assert_eq!(done["comparison"]["settings"][0]["to"], "crm_wins");
    }
}
