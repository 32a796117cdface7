//! The parent's half: starts the compiler process, feeds it, reads its answer, and ends it.
//!
//! Invariant: a process that was started is gone, and waited for, when its [`Process`] is dropped.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::CompileError;
use super::child::{JOB_VARIABLE, Job, NO_MEMORY, REFUSED, UNUSABLE};

/// The bytes of the checksum before the code.
const CHECKSUM_BYTES: usize = 32;

/// What is kept of the child's standard error.
const WORDS_BYTES_MAX: u64 = 4_096;

/// How long a child that closed its output may take to exit is looked at in steps of this.
const EXIT_STEP: Duration = Duration::from_millis(1);

/// A running compiler.
pub struct Process {
    child: Child,
}

/// How a compilation ended.
#[derive(Debug)]
pub enum Answer {
    Code(Vec<u8>),
    Refused(String),
    OutOfMemory,
    OutOfCpu,
    Late,
    TooLarge,
    Crashed(String),
    Unavailable(String),
}

/// What a child wrote.
struct Output {
    code: io::Result<Vec<u8>>,
    words: String,
}

impl Process {
    /// Starts the program with nothing of this process's environment.
    pub fn start(program: &Path, arguments: &[String], job: &Job) -> Result<Self, CompileError> {
        let unavailable = |reason| CompileError::Unavailable { reason };
        let text = serde_json::to_string(job).map_err(|error| unavailable(error.to_string()))?;
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env(JOB_VARIABLE, text)
            // How the library that wasmtime compiles with is told.
            .env("RAYON_NUM_THREADS", job.threads_max.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| unavailable(format!("start `{}`: {error}", program.display())))?;
        Ok(Self { child })
    }

    /// Gives the component to the process and waits for what it makes of it.
    pub fn exchange(&mut self, bytes: &[u8], time_max: Duration, code_bytes_max: usize) -> Answer {
        let deadline = Instant::now() + time_max;
        let pipes = (
            self.child.stdin.take(),
            self.child.stdout.take(),
            self.child.stderr.take(),
        );
        let (Some(input), Some(output), Some(words)) = pipes else {
            return Answer::Unavailable("the process has no pipes".to_owned());
        };
        thread::scope(|scope| {
            let output = converse(scope, bytes, code_bytes_max, (input, output, words));
            let output = output.recv_timeout(left(deadline));
            let Ok(output) = output else {
                // With the process end the pipes, and with them the threads of this scope.
                self.end();
                return Answer::Late;
            };
            match self.exit(deadline) {
                Some(status) => judge(status, output, code_bytes_max),
                None => Answer::Late,
            }
        })
    }

    /// Waits for the exit of a process that has closed its pipes, which takes moments.
    fn exit(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if left(deadline).is_zero() => return None,
                Ok(None) => thread::sleep(EXIT_STEP),
                Err(_) => return None,
            }
        }
    }

    fn end(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// Writes and reads in threads of their own, since each may wait for the other.
fn converse<'scope>(
    scope: &'scope Scope<'scope, '_>,
    bytes: &'scope [u8],
    code_bytes_max: usize,
    (mut input, output, words): (ChildStdin, ChildStdout, ChildStderr),
) -> mpsc::Receiver<Output> {
    let (sender, receiver) = mpsc::channel();
    scope.spawn(move || {
        // A process that ends before it has read everything says why in its own words.
        let _ = input.write_all(bytes);
    });
    let words = scope.spawn(move || {
        let mut kept = Vec::new();
        let mut words = words;
        let _ = words.by_ref().take(WORDS_BYTES_MAX).read_to_end(&mut kept);
        let _ = io::copy(&mut words, &mut io::sink());
        String::from_utf8_lossy(&kept).trim().to_owned()
    });
    scope.spawn(move || {
        let output_bytes_max = (code_bytes_max as u64).saturating_add(CHECKSUM_BYTES as u64);
        let mut code = Vec::new();
        // One byte more, to tell a full answer from one that is too long.
        let read = output.take(output_bytes_max + 1).read_to_end(&mut code);
        let code = read.map(|_| code);
        let words = words.join().unwrap_or_default();
        // Nobody waits any more when it is too late.
        let _ = sender.send(Output { code, words });
    });
    receiver
}

fn judge(status: ExitStatus, output: Output, code_bytes_max: usize) -> Answer {
    let Output { code, words } = output;
    let code = match code {
        Ok(code) => code,
        Err(error) => return Answer::Crashed(format!("its output ended with `{error}`")),
    };
    if code.len() > code_bytes_max.saturating_add(CHECKSUM_BYTES) {
        return Answer::TooLarge;
    }
    if !status.success() {
        return unsuccessful(status, words);
    }
    match code.split_at_checked(CHECKSUM_BYTES) {
        Some((checksum, code)) if checksum == Sha256::digest(code).as_slice() => {
            Answer::Code(code.to_vec())
        }
        _ => Answer::Crashed("its output is damaged".to_owned()),
    }
}

fn unsuccessful(status: ExitStatus, words: String) -> Answer {
    // What Rust writes before it aborts for want of memory, and the system's own words where a thread
    // or a mapping is refused.
    let starved = [
        "memory allocation of",
        "Cannot allocate memory",
        "os error 12",
    ];
    if starved.iter().any(|sign| words.contains(sign)) {
        return Answer::OutOfMemory;
    }
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        if signal == rustix::process::Signal::XCPU.as_raw() {
            return Answer::OutOfCpu;
        }
        return Answer::Crashed(with_words(format!("ended by signal {signal}"), &words));
    }
    match status.code().map(u8::try_from) {
        Some(Ok(REFUSED)) => Answer::Refused(words),
        Some(Ok(NO_MEMORY)) => Answer::OutOfMemory,
        Some(Ok(UNUSABLE)) => Answer::Unavailable(words),
        _ => Answer::Crashed(with_words(status.to_string(), &words)),
    }
}

fn with_words(end: String, words: &str) -> String {
    match words.lines().last() {
        Some(last) => format!("{end}, its last words were `{last}`"),
        None => end,
    }
}
