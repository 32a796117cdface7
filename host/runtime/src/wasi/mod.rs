//! The system that a guest sees: WASI 0.2 with nothing behind it.
//!
//! The standard libraries of guest languages import WASI even when a mapper needs none of it, so it is
//! there: an empty environment, no files, a clock that stands at the start of 2000, randomness that
//! repeats, a log that keeps its end. Sockets and HTTP are not linked at all. Invariant: no function
//! here waits, since a guest that waits inside the host is out of reach of its deadline.

mod log;
mod streams;

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime::{Engine, Result};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings;
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use self::log::Log;
use self::streams::Ready;
use crate::config::CallLimits;
use crate::meter::Meter;
use crate::pace::Pace;

/// The start of 2000 in UTC, for guests that mistake the epoch for "not set".
const NOW: Duration = Duration::from_hours(10_957 * 24);

/// What the monotonic clock shows, in nanoseconds. Go's runtime ends at once if it is zero.
const TICK: u64 = 1_000_000;

/// Seeds the guest's randomness.
const SEED: u64 = 0x70_61_72_74_6e_65_72_73;

/// The most random bytes in one request; they are made in the host's memory.
const RANDOM_BYTES_MAX: u64 = 64 * 1024;

/// The packages that guests may import from, and the interfaces of each.
pub const LINKED: [(&str, &[&str]); 5] = [
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
    ("wasi:filesystem", &["preopens", "types"]),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
        ],
    ),
];

/// What the host keeps for one instance.
pub struct GuestState {
    wasi: WasiCtx,
    table: ResourceTable,
    log: Log,
    /// The memory account.
    pub meter: Meter,
    /// How far the call has come.
    pub pace: Pace,
}

impl GuestState {
    pub fn new(limits: &CallLimits, pace: Pace) -> Self {
        let log = Log::new(limits.log_bytes_max);
        let wasi = WasiCtx::builder()
            .stdout(log.clone())
            .stderr(log.clone())
            .wall_clock(StoppedClock)
            .monotonic_clock(StoppedClock)
            .secure_random(StdRng::seed_from_u64(SEED))
            .insecure_random(StdRng::seed_from_u64(SEED))
            .insecure_random_seed(u128::from(SEED))
            .max_random_size(RANDOM_BYTES_MAX)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles_max);
        Self {
            wasi,
            table,
            log,
            meter: Meter::new(limits),
            pace,
        }
    }

    /// The end of what the guest wrote.
    pub fn log_tail(&self) -> String {
        self.log.tail()
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

struct StoppedClock;

impl HostWallClock for StoppedClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        NOW
    }
}

impl HostMonotonicClock for StoppedClock {
    fn resolution(&self) -> u64 {
        TICK
    }

    fn now(&self) -> u64 {
        TICK
    }
}

/// Marks the functions that work on streams and need only the table.
struct Io;

impl HasData for Io {
    type Data<'a> = Ready<'a>;
}

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links what [`LINKED`] names, and nothing else.
pub fn linker(engine: &Engine) -> Result<Linker<GuestState>> {
    use bindings::{cli, clocks, filesystem, random, sync};

    type State = GuestState;
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    let table: fn(&mut State) -> &mut ResourceTable = |state| &mut state.table;
    let ready: fn(&mut State) -> Ready<'_> = |state| Ready(&mut state.table);
    wasmtime_wasi_io::bindings::wasi::io::error::add_to_linker::<State, Table>(l, table)?;
    sync::io::poll::add_to_linker::<State, Io>(l, ready)?;
    sync::io::streams::add_to_linker::<State, Io>(l, ready)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, |state| state.wasi.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.wasi.random())?;
    random::random::add_to_linker::<State, WasiRandom>(l, |state| state.wasi.random())?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    sync::filesystem::types::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    Ok(linker)
}
