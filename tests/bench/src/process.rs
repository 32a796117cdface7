//! What a process used: CPU time and memory, as the kernel counts them.

use anyhow::{Context as _, anyhow};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// CPU time of all threads of this process so far, in seconds.
pub fn cpu_seconds() -> f64 {
    seconds(clock_gettime(ClockId::ProcessCPUTime))
}

/// CPU time of this thread so far, in seconds.
pub fn thread_cpu_seconds() -> f64 {
    seconds(clock_gettime(ClockId::ThreadCPUTime))
}

fn seconds(time: Timespec) -> f64 {
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Memory of this process.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Resident now.
    pub now_mib: f64,
    /// The most that was ever resident.
    pub peak_mib: f64,
}

/// Reads the memory of this process; Linux only.
pub fn memory() -> anyhow::Result<Memory> {
    let status = std::fs::read_to_string("/proc/self/status")
        .context("failed to read this process's memory; that works on Linux only")?;
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0)
            .ok_or_else(|| anyhow!("the process's status has no `{name}`"))
    };
    Ok(Memory {
        now_mib: mib("VmRSS:")?,
        peak_mib: mib("VmHWM:")?,
    })
}
