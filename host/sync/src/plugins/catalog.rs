//! Loads plugins: those that ship with the host, and uploaded versions alone or composed.
//!
//! Invariant: a component of an organization is only loaded after the store has found it among that organization's own.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use partneros_domain::{Digest, OrganizationId, RulePlugin};
use partneros_runtime::{LoadError, Plugin, Runtime, World};
use partneros_store::{MapperParts, Store, VersionState};

use crate::error::Error;

/// The components that ship with the host.
#[derive(Clone, Copy)]
pub struct BuiltIn {
    /// The default mapper.
    pub mapper: &'static [u8],
    /// The transformer that evaluates expressions.
    pub expression: &'static [u8],
}

/// The plugins of a host. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Plugins {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    runtime: Runtime,
    built_in: BuiltIn,
    mapper: Plugin,
    // Loaded when a rule first names it.
    expression: OnceLock<Plugin>,
    // What parts became when they were composed, so that the result is found among the loaded.
    composed: Mutex<HashMap<Vec<Digest>, Digest>>,
    accepted: Mutex<HashSet<u64>>,
}

/// The most compositions whose digest is remembered; forgotten ones are composed again in milliseconds.
const COMPOSED_MAX: usize = 1_000;
/// The most accepted checks that are remembered; forgotten ones are made again in milliseconds.
const ACCEPTED_MAX: usize = 100_000;

impl Plugins {
    /// Loads the default mapper. Blocks.
    pub fn new(runtime: Runtime, built_in: BuiltIn) -> Result<Self, LoadError> {
        let mapper = runtime.load(built_in.mapper)?;
        Ok(Self {
            shared: Arc::new(Shared {
                runtime,
                built_in,
                mapper,
                expression: OnceLock::new(),
                composed: Mutex::default(),
                accepted: Mutex::default(),
            }),
        })
    }

    /// The runtime.
    pub fn runtime(&self) -> &Runtime {
        &self.shared.runtime
    }

    /// The mapper that ships with the host.
    pub fn default_mapper(&self) -> &Plugin {
        &self.shared.mapper
    }

    /// The component of the mapper that ships with the host.
    pub fn default_component(&self) -> &'static [u8] {
        self.shared.built_in.mapper
    }

    /// Whether plugins found nothing wrong when they were last asked about what has this hash: they are pure, so they would not
    /// now. Should two hashes ever be alike, a mistake in a mapping shows by the values that cannot be transformed.
    pub fn has_accepted(&self, hash: u64) -> bool {
        let accepted = self.shared.accepted.lock();
        let accepted = accepted.unwrap_or_else(PoisonError::into_inner);
        accepted.contains(&hash)
    }

    /// Remembers that plugins found nothing wrong.
    pub fn accept(&self, hash: u64) {
        let accepted = self.shared.accepted.lock();
        let mut accepted = accepted.unwrap_or_else(PoisonError::into_inner);
        if accepted.len() >= ACCEPTED_MAX {
            accepted.clear();
        }
        accepted.insert(hash);
    }

    /// What a single rule names.
    pub async fn of_rule(
        &self,
        store: &dyn Store,
        organization: OrganizationId,
        named: RulePlugin,
    ) -> Result<Plugin, Error> {
        match named {
            RulePlugin::Expression => self.expression().await,
            RulePlugin::Version(digest) => {
                usable(store, organization, digest).await?;
                self.version(store, organization, digest).await
            }
        }
    }

    /// A mapper made of these parts, which must be the organization's and not quarantined.
    pub async fn of_parts(
        &self,
        store: &dyn Store,
        organization: OrganizationId,
        parts: &MapperParts,
    ) -> Result<Plugin, Error> {
        // Before any component is fetched; composing judges the rest.
        let layers_max = self.shared.runtime.layers_max();
        if parts.0.len() > layers_max + 1 {
            let layers = parts.0.len() - 1;
            return Err(Error::TooManyLayers { layers, layers_max });
        }
        let mut stands_alone = false;
        for digest in &parts.0 {
            stands_alone = usable(store, organization, *digest).await? != World::Layer.as_str();
        }
        match &parts.0[..] {
            [] => Ok(self.shared.mapper.clone()),
            [mapper] if stands_alone => self.version(store, organization, *mapper).await,
            digests => {
                self.composition(store, organization, digests, stands_alone)
                    .await
            }
        }
    }

    async fn expression(&self) -> Result<Plugin, Error> {
        if let Some(plugin) = self.shared.expression.get() {
            return Ok(plugin.clone());
        }
        let component = self.shared.built_in.expression;
        let plugin = self.load(component.to_vec()).await?;
        Ok(self.shared.expression.get_or_init(|| plugin).clone())
    }

    async fn version(
        &self,
        store: &dyn Store,
        organization: OrganizationId,
        digest: Digest,
    ) -> Result<Plugin, Error> {
        if let Some(plugin) = self.shared.runtime.loaded(&digest) {
            return Ok(plugin);
        }
        let component = store.plugin_bytes(organization, digest).await?;
        self.load(component).await
    }

    async fn composition(
        &self,
        store: &dyn Store,
        organization: OrganizationId,
        digests: &[Digest],
        stands_alone: bool,
    ) -> Result<Plugin, Error> {
        let mut key = digests.to_vec();
        if !stands_alone {
            key.push(*self.shared.mapper.digest());
        }
        let known = self.lock().get(&key).copied();
        if let Some(plugin) = known.and_then(|digest| self.shared.runtime.loaded(&digest)) {
            return Ok(plugin);
        }
        let mut components = Vec::with_capacity(key.len());
        for digest in digests {
            components.push(store.plugin_bytes(organization, *digest).await?);
        }
        if !stands_alone {
            components.push(self.shared.built_in.mapper.to_vec());
        }
        let runtime = self.shared.runtime.clone();
        let compose = move || {
            let parts: Vec<&[u8]> = components.iter().map(Vec::as_slice).collect();
            let composed = runtime.compose(&parts).map_err(Error::Compose)?;
            runtime.load(&composed).map_err(Error::Load)
        };
        let plugin = tokio::task::spawn_blocking(compose).await??;
        let mut composed = self.lock();
        if composed.len() >= COMPOSED_MAX {
            composed.clear();
        }
        composed.insert(key, *plugin.digest());
        Ok(plugin)
    }

    async fn load(&self, component: Vec<u8>) -> Result<Plugin, Error> {
        let runtime = self.shared.runtime.clone();
        let load = move || runtime.load(&component).map_err(Error::Load);
        tokio::task::spawn_blocking(load).await?
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Vec<Digest>, Digest>> {
        self.shared
            .composed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The world of a version that may run.
async fn usable(
    store: &dyn Store,
    organization: OrganizationId,
    digest: Digest,
) -> Result<String, Error> {
    let version = store.plugin_version(organization, digest).await?;
    if version.state == VersionState::Quarantined {
        return Err(Error::Quarantined {
            plugin: version.plugin,
            digest,
            reason: version.reason.unwrap_or_default(),
        });
    }
    Ok(version.world)
}

impl fmt::Debug for BuiltIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BuiltIn")
    }
}
