//! Setting a pair up like a bundle.

use partneros_domain::{EventType, OrganizationId, PairId};
use partneros_store::{PairPatch, PairSetup};
use serde_json::json;

use super::{Bundle, BundledSettings, Comparison};
use crate::engine::Engine;
use crate::error::Error;

impl Engine {
    /// Sets a pair up like a bundle, all of it or nothing, and returns what changed. A pair that is like it already is
    /// left alone.
    ///
    /// Missing plugins and problems of mappings are errors. So are fixtures that come out differently, unless that is
    /// accepted; and so are mappings of another version than `from`, the one that was compared with.
    pub async fn import(
        &self,
        organization: OrganizationId,
        actor: &str,
        pair: PairId,
        bundle: Bundle,
        from: i64,
        accepts_differences: bool,
    ) -> Result<Comparison, Error> {
        let compared = self.compare(organization, pair, &bundle).await?;
        if !compared.missing.is_empty() {
            return Err(Error::MissingPlugins(compared.missing));
        }
        if !compared.problems.is_empty() {
            return Err(Error::Mappings(compared.problems));
        }
        if !compared.differences.is_empty() && !accepts_differences {
            return Err(Error::FixturesDiffer(compared.differences.len()));
        }
        if compared.is_same() {
            return Ok(compared);
        }
        let at = self.parts().environment.now();
        let setup = PairSetup {
            settings: bundle.settings.into(),
            mappings: bundle.mappings,
            replaces: from,
            seen: compared.seen.clone(),
            mapper: compared.mapper.as_ref().map(|(_, to)| to.clone()),
            at,
        };
        let store = &self.parts().store;
        let (version, binding) = store.put_setup(organization, pair, setup).await?;
        let count = |is_counted: fn(&super::MappingChange) -> bool| {
            compared
                .mappings
                .iter()
                .filter(|change| is_counted(change))
                .count()
        };
        let metadata = json!({
            "version": version,
            "mappings": {
                "added": count(|change| change.from.is_none()),
                "changed": count(|change| change.from.is_some() && change.to.is_some()),
                "removed": count(|change| change.to.is_none()),
            },
            "settings": compared.settings.iter().map(|change| change.name).collect::<Vec<_>>(),
        });
        let subject = format!("pair {pair}");
        self.note(
            organization,
            actor,
            EventType::MappingImported,
            &subject,
            metadata,
        )
        .await?;
        if let Some(binding) = &binding {
            self.chosen(organization, actor, EventType::PluginActivated, binding)
                .await?;
        }
        Ok(Comparison {
            version,
            ..compared
        })
    }
}

impl From<BundledSettings> for PairPatch {
    fn from(settings: BundledSettings) -> Self {
        Self {
            direction: Some(settings.direction),
            conflict_policy: Some(settings.conflict_policy),
            match_key: Some(settings.match_key),
            thresholds: Some(settings.thresholds),
            plugin_failure_policy: Some(settings.plugin_failure_policy),
            delete_policy: Some(settings.delete_policy),
        }
    }
}
