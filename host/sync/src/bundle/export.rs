//! Making a bundle of a pair.

use std::sync::Arc;

use partneros_domain::{OrganizationId, PairId};

use super::{Bundle, BundledPlugin, BundledSettings, fixtures};
use crate::engine::Engine;
use crate::error::Error;
use crate::pair_plan::PairPlan;
use crate::{plugins, trial};

impl Engine {
    /// How a pair is set up. Mappings that the mapper refuses are in it, but in none of its fixtures.
    pub async fn export(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Bundle, Error> {
        let parts = self.parts();
        let pair = parts.store.pair(organization, pair).await?;
        let mappings = parts.store.mappings(organization, pair.id).await?.mappings;
        let (object, hubspot) = self.schemas_of(organization, &pair).await?;
        let mapper = Arc::new(plugins::resolve(parts, organization, &pair, &mappings).await?);
        let bound = mapper.binding.as_ref().map(|binding| binding.parts.clone());
        let bound = bound.unwrap_or_default();
        let mut named = Vec::new();
        for digest in Bundle::needs(&bound, &mappings) {
            let version = parts.store.plugin_version(organization, digest).await?;
            named.push(BundledPlugin {
                digest,
                plugin: version.plugin,
            });
        }
        let plan = PairPlan::new(&pair, &mappings, &object, &hubspot);
        let plan = trial::park_refused(parts, &mapper, plan, &mappings, &hubspot).await?;
        let at = parts.environment.now();
        let make = move || fixtures::make(&mapper, &plan, &hubspot, at);
        let fixtures = parts.compute(make).await??;
        Ok(Bundle {
            settings: BundledSettings::from(&pair),
            object: pair.object,
            hubspot_object: pair.hubspot_object,
            mappings,
            mapper: bound,
            default_mapper: *parts.plugins.default_mapper().digest(),
            plugins: named,
            fixtures,
        })
    }
}
