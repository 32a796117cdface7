//! The runtime: one engine, and the plugins loaded into it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::cache::{Directory, Memory};
use crate::compile::{CompileError, compile};
use crate::config::RuntimeConfig;
use crate::engine::{self, Clock, StartError};
use crate::plugin::Plugin;
use crate::since_0_1;
use crate::slots::Slots;
use crate::validate::{Contract, Rejected, Validated};
use crate::wasi::{self, GuestState};
use crate::world::World;
use partneros_domain::Digest;

/// Validates and loads components. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

/// What all plugins of a runtime share. The clock runs until the last of them is gone.
pub struct Shared {
    pub config: RuntimeConfig,
    pub engine: Engine,
    pub clock: Clock,
    pub slots: Slots,
    linker: Linker<GuestState>,
    contract: Contract,
    loaded: Memory<Arc<Loaded>>,
    directory: Option<Directory>,
    // One compilation at a time: it uses every core by itself, and needs more memory than anything else.
    compiling: Mutex<()>,
}

/// A component that is ready to be instantiated.
pub struct Loaded {
    pub digest: Digest,
    pub world: World,
    pub exports: since_0_1::Exports,
    pub pre: InstancePre<GuestState>,
}

/// A component that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not what this host accepts.
    #[error(transparent)]
    Rejected(Rejected),
    /// It validates and still does not compile.
    #[error("load plugin `{plugin}`")]
    Compile {
        /// Which.
        plugin: Digest,
        /// Why.
        #[source]
        source: CompileError,
    },
    /// It needs something of the host that is not there.
    #[error("link plugin `{plugin}`: {reason}")]
    Link {
        /// Which.
        plugin: Digest,
        /// What is missing.
        reason: String,
    },
}

impl Runtime {
    /// Builds the engine and starts its clock.
    pub fn new(config: RuntimeConfig) -> Result<Self, StartError> {
        check(&config)?;
        let failed = |error: wasmtime::Error| StartError::Engine {
            reason: format!("{error:#}"),
        };
        let engine = engine::engine(&config)?;
        let linker = wasi::linker(&engine).map_err(failed)?;
        let clock = Clock::start(&engine, Duration::from_millis(config.epoch_tick_ms))?;
        let open = |path: &std::path::PathBuf| {
            Directory::open(path, &engine).map_err(|source| StartError::CacheDirectory {
                path: path.clone(),
                source,
            })
        };
        let directory = config.cache_dir.as_ref().map(open).transpose()?;
        Ok(Self {
            shared: Arc::new(Shared {
                slots: Slots::new(config.calls_max),
                loaded: Memory::new(config.plugins_cached_max),
                contract: Contract::new(),
                compiling: Mutex::default(),
                config,
                engine,
                clock,
                linker,
                directory,
            }),
        })
    }

    /// Checks whether a component may be loaded, without compiling it. Reports all problems at once.
    pub fn validate(&self, bytes: &[u8]) -> Result<Validated, Rejected> {
        self.shared.validate(bytes)
    }

    /// Makes a component callable: from memory, from the directory of compiled code, or by compiling it.
    pub fn load(&self, bytes: &[u8]) -> Result<Plugin, LoadError> {
        let shared = &self.shared;
        let digest = Digest::of(bytes);
        let loaded = match shared.loaded.get(&digest) {
            Some(loaded) => loaded,
            None => shared.load(digest, bytes)?,
        };
        Ok(Plugin::new(shared.clone(), loaded))
    }

    /// The plugin, if it was loaded and is still in memory. Saves fetching the component.
    pub fn loaded(&self, digest: &Digest) -> Option<Plugin> {
        let loaded = self.shared.loaded.get(digest)?;
        Some(Plugin::new(self.shared.clone(), loaded))
    }
}

impl Shared {
    fn validate(&self, bytes: &[u8]) -> Result<Validated, Rejected> {
        let features = self.engine.get_wasm_features();
        self.contract.validate(bytes, features, &self.config.upload)
    }

    fn load(&self, digest: Digest, bytes: &[u8]) -> Result<Arc<Loaded>, LoadError> {
        let validated = self.validate(bytes).map_err(LoadError::Rejected)?;
        let _turn = self
            .compiling
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Another thread may have had the turn with the same component.
        if let Some(loaded) = self.loaded.get(&digest) {
            return Ok(loaded);
        }
        let component = self.component(&digest, bytes)?;
        let link = |error: wasmtime::Error| LoadError::Link {
            plugin: digest,
            reason: format!("{error:#}"),
        };
        let pre = self.linker.instantiate_pre(&component).map_err(link)?;
        let world = validated.world();
        let loaded = Arc::new(Loaded {
            digest,
            world,
            exports: since_0_1::Exports::new(&pre, world).map_err(link)?,
            pre,
        });
        self.loaded.put(digest, loaded.clone());
        Ok(loaded)
    }

    fn component(&self, digest: &Digest, bytes: &[u8]) -> Result<Component, LoadError> {
        let stored = self
            .directory
            .as_ref()
            .and_then(|directory| directory.get(digest));
        if let Some(component) = stored {
            return Ok(component);
        }
        let component = compile(&self.engine, bytes).map_err(|source| LoadError::Compile {
            plugin: *digest,
            source,
        })?;
        if let Some(directory) = &self.directory {
            directory.put(digest, &component);
        }
        Ok(component)
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Runtime")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

fn check(config: &RuntimeConfig) -> Result<(), StartError> {
    let least = [
        ("epoch_tick_ms", config.epoch_tick_ms),
        ("calls_max", u64::from(config.calls_max)),
        ("call.call_time_ms", config.call.call_time_ms),
        ("call.fuel_max", config.call.fuel_max.unwrap_or(u64::MAX)),
        ("call.memories_max", u64::from(config.call.memories_max)),
        ("call.tables_max", u64::from(config.call.tables_max)),
        (
            "call.core_instances_max",
            u64::from(config.call.core_instances_max),
        ),
    ];
    match least.into_iter().find(|(_, value)| *value == 0) {
        Some((name, _)) => Err(StartError::Zero { name }),
        None => Ok(()),
    }
}
