//! The limits of guests, and how the engine runs them.
//!
//! Every limit here has a default that a well-behaved mapper never meets, and names the failure that
//! a caller sees when it is met. Whatever takes something from a guest takes its bound from here.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// How a [`Runtime`](crate::Runtime) compiles, caches and runs components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// What an uploaded component may be.
    pub upload: UploadLimits,
    /// What one call may use.
    pub call: CallLimits,
    /// How components are compiled.
    pub compiler: CompilerConfig,
    /// How instances get their memory. Default [`Allocation::Pooled`].
    pub allocation: Allocation,
    /// How often the clock of running calls ticks, and so how late a deadline may strike. Default 10 ms.
    pub epoch_tick_ms: u64,
    /// Calls that run at once; with `call.memory_bytes_max` this bounds the memory of all guests
    /// together. A further call waits, for at most the time of one call, then fails with
    /// [`CallFailure::Busy`](crate::CallFailure::Busy). Default 32.
    pub calls_max: u32,
    /// Compiled plugins kept in memory; the least recently loaded is forgotten first. Default 256.
    pub plugins_cached_max: usize,
    /// A directory for compiled code, which only this process and its peers may write to. Without one,
    /// every start compiles anew. Default none.
    pub cache_dir: Option<PathBuf>,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            upload: UploadLimits::default(),
            call: CallLimits::default(),
            compiler: CompilerConfig::default(),
            allocation: Allocation::Pooled,
            epoch_tick_ms: 10,
            calls_max: 32,
            plugins_cached_max: 256,
            cache_dir: None,
        }
    }
}

/// How components are compiled. What the compiler may use is bounded by the system, in a process of its own; meeting
/// a limit is the [`CompileError`](crate::CompileError) named there, and leaves this process as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompilerConfig {
    /// The program that compiles, one whose `main` is [`compile_child_main`](crate::compile_child_main). Without one this
    /// process compiles and only `queue_max` holds, which is for tests. Default none.
    pub program: Option<PathBuf>,
    /// What the program is started with. Default nothing.
    pub arguments: Vec<String>,
    /// Address space of the process; meeting it is [`OutOfMemory`](crate::CompileError::OutOfMemory). Default 4 GiB; Python fits
    /// in 1.5, of which it uses 0.5.
    pub memory_bytes_max: u64,
    /// Processor time of the process, over all its threads; meeting it is
    /// [`OutOfTime`](crate::CompileError::OutOfTime). Default 240 s; Python takes 20.
    pub cpu_seconds_max: u64,
    /// Time on the clock; meeting it is [`OutOfTime`](crate::CompileError::OutOfTime). Default 120 s.
    pub time_ms_max: u64,
    /// Threads that the process compiles with; each takes address space. Default 4.
    pub threads_max: usize,
    /// Size of the code; meeting it is [`TooLarge`](crate::CompileError::TooLarge). Default 256 MiB; `StarlingMonkey`
    /// takes 37.
    pub code_bytes_max: usize,
    /// Components that wait while another is compiled; one more is
    /// [`QueueFull`](crate::CompileError::QueueFull). Default 16.
    pub queue_max: usize,
}

impl Default for CompilerConfig {
    fn default() -> Self {
        Self {
            program: None,
            arguments: Vec::new(),
            memory_bytes_max: 4 << 30,
            cpu_seconds_max: 240,
            time_ms_max: 120_000,
            threads_max: 4,
            code_bytes_max: 256 * MIB,
            queue_max: 16,
        }
    }
}

/// How instances get their memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Allocation {
    /// From a pool of address space reserved at the start, which makes a fresh instance cheap. Where
    /// the reservation is refused, as by a limit on address space, on demand.
    Pooled,
    /// By asking the system for each instance.
    OnDemand,
}

/// What an uploaded component may be. All are checked before anything is compiled, because a small
/// file can be made to cost minutes and gigabytes; meeting one is a
/// [`RejectionCode::TooLarge`](crate::RejectionCode::TooLarge).
///
/// The defaults leave at least twice what mappers in Rust, JavaScript (QuickJS and StarlingMonkey) and Python
/// were measured to need, their interpreters included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UploadLimits {
    /// Size of the file. Default 40 MiB; Python takes 18.
    pub component_bytes_max: usize,
    /// Core modules in it. Default 200; Python takes 38.
    pub modules_max: usize,
    /// Components within it, at any depth. Default 200; QuickJS takes 26.
    pub components_max: usize,
    /// Functions of all its modules. Default 40,000; Python takes 13,500.
    pub functions_max: usize,
    /// Locals of one function. Default 2,000; Python takes 271.
    pub locals_max: usize,
    /// Size of one function's code. Default 1 MiB; Python takes 420 KiB.
    pub function_bytes_max: usize,
    /// Depth of nested blocks in one function. Default 2,000; Python takes 781.
    pub nesting_max: usize,
    /// Depth of nested loops in one function. Default 50; QuickJS takes 21.
    pub loop_nesting_max: usize,
    /// Locals times depth of nested blocks in one function, which its compile time and memory follow; this and the
    /// depth of loops are what a hostile file grows, as 1,000 locals in 1,000 loops take 16 KB, a minute and
    /// 2 GB. Default 100,000; StarlingMonkey takes 16,000.
    pub function_weight_max: usize,
    /// The same, summed over all functions. Default 5,000,000; StarlingMonkey takes 550,000.
    pub weight_max: usize,
    /// Layers over one mapper; more is [`ComposeError::TooManyLayers`](crate::ComposeError::TooManyLayers). The whole is
    /// held against the other limits here, and `call.memories_max` must leave each part its memory. Default 4.
    pub layers_max: usize,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self {
            component_bytes_max: 40 * MIB,
            modules_max: 200,
            components_max: 200,
            functions_max: 40_000,
            locals_max: 2_000,
            function_bytes_max: MIB,
            nesting_max: 2_000,
            loop_nesting_max: 50,
            function_weight_max: 100_000,
            weight_max: 5_000_000,
            layers_max: 4,
        }
    }
}

/// What one call may use, and what it may return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallLimits {
    /// Time on the clock that it runs; meeting it is [`OutOfTime`](crate::CallFailure::OutOfTime). A call that has run for 50
    /// ms, or whose plugin's last call broke a limit, goes on in turns, which leave one core to short calls; waiting for a
    /// turn does not count. Default 5 s.
    pub call_time_ms: u64,
    /// Instructions, as wasmtime counts them, the same on every machine; meeting it is
    /// [`OutOfFuel`](crate::CallFailure::OutOfFuel). None turns the metering off. Default 5,000,000,000,
    /// a few seconds.
    pub fuel_max: Option<u64>,
    /// All linear memories of the instance together. The guest sees its allocation fail; if it ends by that,
    /// the call is [`OutOfMemory`](crate::CallFailure::OutOfMemory). Default 128 MiB.
    pub memory_bytes_max: usize,
    /// What a call hands to the host, in the host's memory; meeting it is
    /// [`OutputTooLarge`](crate::CallFailure::OutputTooLarge), and a smaller batch may pass. Default 16 MiB.
    pub returned_bytes_max: usize,
    /// What is kept of standard output and standard error; only the end stays. Default 16 KiB.
    pub log_bytes_max: usize,
    /// Live handles to host resources, such as output streams; one more is a trap. Default 256.
    pub handles_max: usize,
    /// Core instances within one component; more is [`Incompatible`](crate::CallFailure::Incompatible). Default 200.
    pub core_instances_max: u32,
    /// Linear memories within one component; more is [`Incompatible`](crate::CallFailure::Incompatible). Default 8, since each layer
    /// over a mapper brings its own.
    pub memories_max: u32,
    /// Tables within one component; more is [`Incompatible`](crate::CallFailure::Incompatible). Default 32.
    pub tables_max: u32,
    /// Entries of one table. Default 100,000.
    pub table_entries_max: usize,
    /// Records of a batch; more is [`InvalidInput`](crate::CallFailure::InvalidInput). Default 1,000.
    pub rows_max: usize,
    /// Inputs, and outputs, of a plan; more is [`InvalidInput`](crate::CallFailure::InvalidInput). Default 1,000.
    pub columns_max: usize,
    /// Candidates of a suggestion, reasons of a candidate, and problems of a plan for each of its rules, that
    /// are kept; more are dropped. Default 20.
    pub remarks_max: usize,
    /// Length of a code or of a sentence for people; the rest is cut off. Default 500 bytes.
    pub message_bytes_max: usize,
    /// Length of the JSON Schema in a description; more is [`InvalidOutput`](crate::CallFailure::InvalidOutput).
    /// Default 64 KiB.
    pub options_schema_bytes_max: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            call_time_ms: 5_000,
            fuel_max: Some(5_000_000_000),
            memory_bytes_max: 128 * MIB,
            returned_bytes_max: 16 * MIB,
            log_bytes_max: 16 * KIB,
            handles_max: 256,
            core_instances_max: 200,
            memories_max: 8,
            tables_max: 32,
            table_entries_max: 100_000,
            rows_max: 1_000,
            columns_max: 1_000,
            remarks_max: 20,
            message_bytes_max: 500,
            options_schema_bytes_max: 64 * KIB,
        }
    }
}
