//! The runtime: one engine, and the plugins loaded into it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::cache::{Directory, Memory};
use crate::compile::{CompileError, Compiled, Compiler, Queue};
use crate::compose::{self, ComposeError};
use crate::config::RuntimeConfig;
use crate::contract::ContractVersion;
use crate::engine::{self, Clock, StartError};
use crate::exports::Exports;
use crate::inspect::{self, Inspection};
use crate::pace::Turns;
use crate::plugin::Plugin;
use crate::slots::Slots;
use crate::validate::{Contract, Facts, Rejected, Validated};
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
    pub turns: Arc<Turns>,
    linker: Linker<GuestState>,
    contract: Contract,
    loaded: Memory<Arc<Loaded>>,
    directory: Option<Directory>,
    compiler: Compiler,
    // One compilation at a time: it uses every core by itself, and needs more memory than anything else.
    compiling: Queue,
}

/// A component that is ready to be instantiated.
pub struct Loaded {
    pub digest: Digest,
    pub version: ContractVersion,
    pub world: World,
    /// None when the code was at hand.
    pub compile_time: Option<Duration>,
    pub exports: Exports,
    pub pre: InstancePre<GuestState>,
    /// Whether the last call ended without an answer that counts.
    pub misbehaved: AtomicBool,
}

/// A component that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not what this host accepts.
    #[error(transparent)]
    Rejected(Rejected),
    /// It is a layer, which does nothing alone.
    #[error("load plugin `{plugin}`: it is a layer and needs a mapper beneath; bind it over one")]
    Incomplete {
        /// Which.
        plugin: Digest,
    },
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
        Self::accepting(config, ContractVersion::PUBLISHED)
    }

    /// As [`new`](Self::new), and knows a version of the contract that was never published.
    #[cfg(feature = "test-contract")]
    pub fn with_test_contract(config: RuntimeConfig) -> Result<Self, StartError> {
        Self::accepting(config, &[ContractVersion::V0_1_0, ContractVersion::V0_2_0])
    }

    fn accepting(config: RuntimeConfig, versions: &[ContractVersion]) -> Result<Self, StartError> {
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
                turns: Arc::new(Turns::new()),
                loaded: Memory::new(config.plugins_cached_max),
                contract: Contract::new(versions),
                compiler: Compiler::new(config.compiler.clone(), config.call.fuel_max.is_some()),
                compiling: Queue::default(),
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

    /// Says everything about a file: whether it is accepted and why not, what made it, and how it does on a small
    /// built-in conformance set. A layer is tried over the mapper `beneath`. Compiles, and makes some twenty calls.
    pub fn inspect(&self, bytes: &[u8], beneath: Option<&[u8]>) -> Inspection {
        inspect::inspect(self, bytes, beneath)
    }

    /// What a look at the file tells, without compiling it.
    pub(crate) fn examine(&self, bytes: &[u8]) -> Facts {
        self.shared.examine(bytes)
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

    /// The largest component that is accepted, so that an upload need not be read any further.
    pub fn component_bytes_max(&self) -> usize {
        self.shared.config.upload.component_bytes_max
    }

    /// The most layers over one mapper, so that no more parts need be fetched.
    pub fn layers_max(&self) -> usize {
        self.shared.config.upload.layers_max
    }

    /// Puts layers over a mapper, as one component. The parts come from the top: at most
    /// [`layers_max`](crate::UploadLimits::layers_max) layers, then the mapper. The same parts give the same bytes.
    pub fn compose(&self, parts: &[&[u8]]) -> Result<Vec<u8>, ComposeError> {
        let mut validated = Vec::new();
        for (part, bytes) in parts.iter().enumerate() {
            let part = self
                .validate(bytes)
                .map_err(|source| ComposeError::Part { part, source })?;
            validated.push(part);
        }
        let layers_max = self.shared.config.upload.layers_max;
        let version = compose::check(&validated, layers_max)?;
        let whole = compose::compose(parts, version)?;
        self.validate(&whole).map_err(ComposeError::Whole)?;
        Ok(whole)
    }

    /// The plugin, if it was loaded and is still in memory. Saves fetching the component.
    pub fn loaded(&self, digest: &Digest) -> Option<Plugin> {
        let loaded = self.shared.loaded.get(digest)?;
        Some(Plugin::new(self.shared.clone(), loaded))
    }
}

impl Shared {
    fn validate(&self, bytes: &[u8]) -> Result<Validated, Rejected> {
        self.examine(bytes).into_validated()
    }

    fn examine(&self, bytes: &[u8]) -> Facts {
        let features = self.engine.get_wasm_features();
        self.contract.examine(bytes, features, &self.config.upload)
    }

    fn load(&self, digest: Digest, bytes: &[u8]) -> Result<Arc<Loaded>, LoadError> {
        let validated = self.validate(bytes).map_err(LoadError::Rejected)?;
        if validated.world().needs_beneath() {
            return Err(LoadError::Incomplete { plugin: digest });
        }
        if let Some(component) = self.stored(&digest) {
            return self.link(&validated, &component, None);
        }
        let failed = |source| LoadError::Compile {
            plugin: digest,
            source,
        };
        let queue_max = self.config.compiler.queue_max;
        let _turn = self.compiling.enter(queue_max).map_err(failed)?;
        // Another thread may have had the turn with the same component.
        if let Some(loaded) = self.loaded.get(&digest) {
            return Ok(loaded);
        }
        let started = Instant::now();
        let compiled = self.compiler.compile(&self.engine, bytes);
        let Compiled { component, code } = compiled.map_err(failed)?;
        let compile_time = started.elapsed();
        if let Some(directory) = &self.directory {
            directory.put(&digest, &code);
        }
        self.link(&validated, &component, Some(compile_time))
    }

    fn stored(&self, digest: &Digest) -> Option<Component> {
        self.directory.as_ref()?.get(digest)
    }

    fn link(
        &self,
        validated: &Validated,
        component: &Component,
        compile_time: Option<Duration>,
    ) -> Result<Arc<Loaded>, LoadError> {
        let digest = *validated.digest();
        let failed = |error: wasmtime::Error| LoadError::Link {
            plugin: digest,
            reason: format!("{error:#}"),
        };
        let pre = self.linker.instantiate_pre(component).map_err(failed)?;
        let world = validated.world();
        let loaded = Arc::new(Loaded {
            digest,
            version: validated.version(),
            world,
            compile_time,
            misbehaved: AtomicBool::new(false),
            exports: Exports::new(&pre, validated.version(), world).map_err(failed)?,
            pre,
        });
        self.loaded.put(digest, loaded.clone());
        Ok(loaded)
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
