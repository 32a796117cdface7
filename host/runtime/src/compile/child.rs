//! The child's half: reads a component from standard input and writes its code to standard output.
//!
//! The limits of the process are set before the first byte of the component is read. What is written is a
//! checksum of the code, then the code. A component that does not compile is an exit status of its own, with the
//! reason on standard error; every other end of this process is for the parent to interpret.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;

use crate::engine;

/// The environment variable that carries a [`Job`].
pub const JOB_VARIABLE: &str = "PARTNEROS_COMPILE_JOB";

/// Exit status: the compiler refuses the component.
pub const REFUSED: u8 = 10;
/// Exit status: the system refused memory.
pub const NO_MEMORY: u8 = 11;
/// Exit status: this process was not started as it must be.
pub const UNUSABLE: u8 = 12;

/// The priority that the compiler gives up, so that calls and requests go first.
#[cfg(unix)]
const NICE: i32 = 10;

/// What the parent wants.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Whether the engine meters fuel, the one setting that configuration decides and code depends on.
    pub metered: bool,
    pub memory_bytes_max: u64,
    pub cpu_seconds_max: u64,
    pub threads_max: usize,
}

/// A compilation that came to nothing.
struct Failure {
    status: u8,
    reason: String,
}

/// Runs the compiler process: the whole `main` of the program that
/// [`CompilerConfig::program`](crate::CompilerConfig::program) names with its arguments.
pub fn compile_child_main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { status, reason }) => {
            // Nobody is left to tell when this fails; the status says it too.
            let _ = writeln!(io::stderr(), "{reason}");
            ExitCode::from(status)
        }
    }
}

fn run() -> Result<(), Failure> {
    let unusable = |reason: String| Failure {
        status: UNUSABLE,
        reason,
    };
    let job = std::env::var(JOB_VARIABLE).map_err(|_| {
        unusable(format!(
            "`{JOB_VARIABLE}` is not set; only the host starts this"
        ))
    })?;
    let job: Job = serde_json::from_str(&job)
        .map_err(|error| unusable(format!("`{JOB_VARIABLE}` does not parse: {error}")))?;
    confine(&job).map_err(|error| unusable(format!("set limits of the process: {error}")))?;
    let engine = Engine::new(&engine::settings(job.metered))
        .map_err(|error| unusable(format!("build the engine: {error:#}")))?;
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| unusable(format!("read the component: {error}")))?;
    let code = engine.precompile_component(&bytes).map_err(failed)?;
    let mut output = io::stdout().lock();
    output
        .write_all(&Sha256::digest(&code))
        .and_then(|()| output.write_all(&code))
        .and_then(|()| output.flush())
        .map_err(|error| unusable(format!("write the code: {error}")))
}

#[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
fn failed(error: wasmtime::Error) -> Failure {
    let no_memory = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::OutOfMemory);
    Failure {
        status: if no_memory { NO_MEMORY } else { REFUSED },
        reason: format!("{error:#}"),
    }
}

/// Sets the limits of this process, for good.
#[cfg(unix)]
fn confine(job: &Job) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, nice, setrlimit};

    let limit = |current: u64, maximum: u64| Rlimit {
        current: Some(current),
        maximum: Some(maximum),
    };
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let cpu = job.cpu_seconds_max;
    setrlimit(Resource::Core, limit(0, 0))?;
    setrlimit(Resource::Fsize, limit(0, 0))?;
    // At the first limit comes a signal that says why, at the second one that cannot be ignored.
    setrlimit(Resource::Cpu, limit(cpu, cpu.saturating_add(1)))?;
    let memory = job.memory_bytes_max;
    setrlimit(Resource::As, limit(memory, memory))?;
    nice(NICE)?;
    Ok(())
}

/// This system has no such limits; the parent's clock is what is left.
#[cfg(not(unix))]
fn confine(_job: &Job) -> io::Result<()> {
    Ok(())
}
