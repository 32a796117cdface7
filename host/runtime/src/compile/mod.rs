//! Turns a validated component into machine code.
//!
//! A small file can be made to cost the compiler gigabytes and minutes, and a failed allocation ends a
//! process. So the compiler runs in a child process under limits of the system, and whatever a component does
//! to it ends as a [`CompileError`] here. Without a program to run, as in tests, it compiles in this process.
//! Invariant: one compilation at a time, by the engine's own settings, with a bounded queue before it.

mod child;
mod process;
mod queue;

use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::Component;

pub use self::child::compile_child_main;
use self::process::Process;
pub use self::queue::Queue;
use crate::cache;
use crate::config::CompilerConfig;

/// A component that validates and still gives no machine code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The compiler refuses it.
    #[error("compile the component: {reason}")]
    Refused {
        /// What the compiler says.
        reason: String,
    },
    /// Too many others wait to be compiled. Nothing was tried.
    #[error("compile the component: `queue_max` = {queue_max} others are waiting, try again later")]
    QueueFull {
        /// The limit.
        queue_max: usize,
    },
    /// The compiler was refused memory.
    #[error(
        "compile the component: it takes more memory than `compiler.memory_bytes_max` = {memory_bytes_max} bytes"
    )]
    OutOfMemory {
        /// The limit.
        memory_bytes_max: u64,
    },
    /// The compiler took too long, on the clock or in processor time.
    #[error("compile the component: it takes longer than `compiler.{limit}` = {allowed}")]
    OutOfTime {
        /// The limit that was met, `time_ms_max` or `cpu_seconds_max`.
        limit: &'static str,
        /// Its value.
        allowed: u64,
    },
    /// The compiler gave more code than is taken.
    #[error(
        "compile the component: its code is larger than `compiler.code_bytes_max` = {code_bytes_max} bytes"
    )]
    TooLarge {
        /// The limit.
        code_bytes_max: usize,
    },
    /// The compiler crashed.
    #[error("compile the component: the compiler crashed, {reason}")]
    Crashed {
        /// How it ended, with its last words.
        reason: String,
    },
    /// No compiler, for which the component is not to blame.
    #[error("compile the component: the compiler does not work: {reason}")]
    Unavailable {
        /// What is wrong.
        reason: String,
    },
}

/// Compiles components, in this process or in a child of it.
#[derive(Debug)]
pub struct Compiler {
    config: CompilerConfig,
    metered: bool,
}

/// A component, and its code as the cache keeps it.
pub struct Compiled {
    pub component: Component,
    pub code: Vec<u8>,
}

impl Compiler {
    /// A compiler for an engine that meters fuel or does not.
    pub fn new(config: CompilerConfig, metered: bool) -> Self {
        Self { config, metered }
    }

    /// Compiles a component whose bytes passed validation.
    pub fn compile(&self, engine: &Engine, bytes: &[u8]) -> Result<Compiled, CompileError> {
        let refused = |error: wasmtime::Error| CompileError::Refused {
            reason: format!("{error:#}"),
        };
        let Some(program) = &self.config.program else {
            let component = Component::from_binary(engine, bytes).map_err(refused)?;
            let code = component.serialize().map_err(refused)?;
            return Ok(Compiled { component, code });
        };
        let job = child::Job {
            metered: self.metered,
            memory_bytes_max: self.config.memory_bytes_max,
            cpu_seconds_max: self.config.cpu_seconds_max,
            threads_max: self.config.threads_max,
        };
        let mut process = Process::start(program, &self.config.arguments, &job)?;
        let time_max = Duration::from_millis(self.config.time_ms_max);
        let answer = process.exchange(bytes, time_max, self.config.code_bytes_max);
        let code = self.judge(answer)?;
        let component = cache::load(engine, &code).map_err(|error| CompileError::Unavailable {
            reason: format!("its code is for another engine: {error:#}"),
        })?;
        Ok(Compiled { component, code })
    }

    fn judge(&self, answer: process::Answer) -> Result<Vec<u8>, CompileError> {
        let config = &self.config;
        Err(match answer {
            process::Answer::Code(code) => return Ok(code),
            process::Answer::Refused(reason) => CompileError::Refused { reason },
            process::Answer::OutOfMemory => CompileError::OutOfMemory {
                memory_bytes_max: config.memory_bytes_max,
            },
            process::Answer::OutOfCpu => CompileError::OutOfTime {
                limit: "cpu_seconds_max",
                allowed: config.cpu_seconds_max,
            },
            process::Answer::Late => CompileError::OutOfTime {
                limit: "time_ms_max",
                allowed: config.time_ms_max,
            },
            process::Answer::TooLarge => CompileError::TooLarge {
                code_bytes_max: config.code_bytes_max,
            },
            process::Answer::Crashed(reason) => CompileError::Crashed { reason },
            process::Answer::Unavailable(reason) => CompileError::Unavailable { reason },
        })
    }
}
