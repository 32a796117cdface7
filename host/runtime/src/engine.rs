//! The one wasmtime engine of a process, and the clock that ends calls which take too long.
//!
//! The engine's settings decide what compiled code looks like and what a call costs, so they are made
//! in one function and nowhere else. Invariant: the clock ticks for as long as any call can run.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, EngineWeak, PoolingAllocationConfig};

use crate::config::{Allocation, RuntimeConfig};

/// A runtime that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration has a limit of zero where that allows nothing.
    #[error("accept the configuration: `{name}` must be at least 1")]
    Zero {
        /// The setting.
        name: &'static str,
    },
    /// wasmtime refused the settings, or the machine is not supported.
    #[error("build the WebAssembly engine: {reason}")]
    Engine {
        /// What wasmtime says.
        reason: String,
    },
    /// No thread for the clock.
    #[error("start the thread that ends overdue calls")]
    Clock(#[source] std::io::Error),
    /// The directory for compiled code cannot be made.
    #[error("create the directory `{}` for compiled code", path.display())]
    CacheDirectory {
        /// The directory.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Builds the engine. Without address space for a pool it allocates on demand.
pub fn engine(config: &RuntimeConfig) -> Result<Engine, StartError> {
    let failed = |error: wasmtime::Error| StartError::Engine {
        reason: format!("{error:#}"),
    };
    let metered = config.call.fuel_max.is_some();
    match config.allocation {
        Allocation::OnDemand => Engine::new(&settings(metered)).map_err(failed),
        Allocation::Pooled => {
            let mut pooled = settings(metered);
            pooled.allocation_strategy(pool(config));
            Engine::new(&pooled).or_else(|error| {
                tracing::warn!(
                    reason = format!("{error:#}"),
                    "no address space for a pool of instances, allocating on demand"
                );
                Engine::new(&settings(metered)).map_err(failed)
            })
        }
    }
}

/// The settings that compiled code depends on; how instances are allocated is none of them.
pub fn settings(metered: bool) -> Config {
    let mut settings = Config::new();
    settings
        .epoch_interruption(true)
        .consume_fuel(metered)
        .wasm_component_model(true)
        // Results must not depend on the machine.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false);
    settings
}

/// What stays of an instance's memory for the next one, cleared by hand. Giving pages back and taking them anew costs more, and
/// the process has one lock for that, which a guest that grows its memory holds often.
const RESIDENT_BYTES: usize = 2 << 20;
/// The same of its tables.
const RESIDENT_TABLE_BYTES: usize = 64 << 10;

/// Room for every instance that `calls_max` allows at once.
fn pool(config: &RuntimeConfig) -> PoolingAllocationConfig {
    let call = &config.call;
    let calls = config.calls_max;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(call.core_instances_max))
        .total_memories(calls.saturating_mul(call.memories_max))
        .total_tables(calls.saturating_mul(call.tables_max))
        .max_core_instances_per_component(call.core_instances_max)
        .max_memories_per_component(call.memories_max)
        .max_tables_per_component(call.tables_max)
        .max_memories_per_module(call.memories_max)
        .max_tables_per_module(call.tables_max)
        .table_elements(call.table_entries_max)
        .linear_memory_keep_resident(RESIDENT_BYTES)
        .table_keep_resident(RESIDENT_TABLE_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Advances the engine's epoch from a thread of its own until it is dropped.
#[derive(Debug)]
pub struct Clock {
    tick: Duration,
    // The thread ends when this end of the channel is gone.
    _running: mpsc::Sender<()>,
}

impl Clock {
    /// Starts the thread.
    pub fn start(engine: &Engine, tick: Duration) -> Result<Self, StartError> {
        let (running, stopped) = mpsc::channel();
        let engine = engine.weak();
        thread::Builder::new()
            .name("guest-clock".to_owned())
            .spawn(move || run(&engine, tick, &stopped))
            .map_err(StartError::Clock)?;
        Ok(Self {
            tick,
            _running: running,
        })
    }

    /// The number of ticks after which at least this much time has passed.
    pub fn ticks(&self, time: Duration) -> u64 {
        // One more, since the tick that is under way when a call starts is cut short.
        let ticks = time.as_nanos().div_ceil(self.tick.as_nanos().max(1)) + 1;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

fn run(engine: &EngineWeak, tick: Duration, stopped: &mpsc::Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(tick) {
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}
