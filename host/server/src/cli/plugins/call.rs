//! What calls used, summed up over several.

use std::time::Duration;

use partneros_runtime::{CallError, Called, Usage};
use serde_json::{Value, json};

use super::table;

/// What the calls so far used.
#[derive(Debug, Default)]
pub(super) struct Used {
    pub(super) calls: u32,
    pub(super) fuel: u64,
    pub(super) memory_bytes_peak: u64,
    pub(super) duration: Duration,
    /// What the guest wrote, one call after the other.
    pub(super) log: String,
}

impl Used {
    /// Notes what a call used, and passes on what it gave.
    pub(super) fn take<T>(
        &mut self,
        outcome: Result<Called<T>, CallError>,
    ) -> Result<T, CallError> {
        match outcome {
            Ok(called) => {
                self.add(&called.usage);
                Ok(called.value)
            }
            Err(error) => {
                self.add(&error.usage);
                Err(error)
            }
        }
    }

    fn add(&mut self, usage: &Usage) {
        self.calls += 1;
        self.fuel += usage.fuel;
        self.memory_bytes_peak = self.memory_bytes_peak.max(usage.memory_bytes_peak);
        self.duration += usage.duration;
        self.log.push_str(&usage.log_tail);
    }

    /// Adds what others used.
    pub(super) fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.fuel += other.fuel;
        self.memory_bytes_peak = self.memory_bytes_peak.max(other.memory_bytes_peak);
        self.duration += other.duration;
        self.log.push_str(&other.log);
    }

    /// For people, on one line.
    pub(super) fn line(&self) -> String {
        format!(
            "{}: fuel {}, memory {}, {}",
            table::number_of(self.calls as usize, "call"),
            table::count(self.fuel),
            table::bytes(self.memory_bytes_peak),
            table::time(self.duration)
        )
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "calls": self.calls,
            "fuel": self.fuel,
            "memoryBytesPeak": self.memory_bytes_peak,
            "durationMs": self.duration.as_secs_f64() * 1e3,
        })
    }
}
