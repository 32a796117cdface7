//! What plugins took and said during a pass, gathered in memory and written down at its end.

use partneros_domain::plan::Transformed;
use partneros_domain::{Digest, PairId, Timestamp};
use partneros_runtime::{CallError, Called, Usage};
use partneros_store::{PluginCallLog, PluginUsage};
use serde_json::json;

use super::shadow::ShadowReport;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// The most calls of a pass that are logged; a plugin that complains of every batch says the same each time.
const LOGS_MAX: usize = 50;
/// The most problems of a call that are logged.
const PROBLEMS_MAX: usize = 20;

/// Gathers what calls took and said.
#[derive(Debug, Default)]
pub struct Activity {
    usage: Vec<PluginUsage>,
    logs: Vec<PluginCallLog>,
    /// Batches since the last one that the mapper took as a whole, and whether there were any at all.
    pub failed_batches: u32,
    /// Whether the mapper took a batch as a whole.
    pub clean_batches: u32,
    /// How a candidate compares.
    pub shadow: Option<ShadowReport>,
}

/// The calls that are noted together: of one plugin, for one pair, at one time.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// The version that was called.
    pub digest: Digest,
    /// For which pair.
    pub pair: PairId,
    /// When.
    pub at: Timestamp,
}

impl Activity {
    /// Notes a call of `transform` on this many rows.
    pub fn note(
        &mut self,
        caller: Caller,
        rows: usize,
        result: &Result<Called<Transformed>, CallError>,
    ) {
        match result {
            Ok(answer) => {
                self.bill(caller, rows, &answer.usage, false);
                let failures = &answer.value.failures;
                if !failures.is_empty() || !answer.usage.log_tail.is_empty() {
                    let problems = failures.iter().take(PROBLEMS_MAX);
                    let problems: Vec<_> = problems
                        .map(|failure| {
                            json!({"rule": failure.rule, "row": failure.row, "code": failure.code, "message": failure.message})
                        })
                        .collect();
                    self.log(caller, rows, &answer.usage, "ok", problems.into());
                }
            }
            Err(error) => {
                self.bill(caller, rows, &error.usage, true);
                let outcome = error.failure.to_string();
                self.log(caller, rows, &error.usage, &outcome, json!([]));
            }
        }
    }

    /// Takes what is to be written down.
    pub fn take(&mut self) -> (Vec<PluginUsage>, Vec<PluginCallLog>) {
        (
            std::mem::take(&mut self.usage),
            std::mem::take(&mut self.logs),
        )
    }

    fn bill(&mut self, caller: Caller, rows: usize, usage: &Usage, failed: bool) {
        let day = caller.at.as_millis().div_euclid(DAY_MS);
        let is_same = |row: &&mut PluginUsage| row.digest == caller.digest && row.day == day;
        let row = match self.usage.iter_mut().find(is_same) {
            Some(row) => row,
            None => self.usage.push_mut(PluginUsage {
                pair: caller.pair,
                digest: caller.digest,
                day,
                calls: 0,
                failed_calls: 0,
                rows: 0,
                fuel: 0,
                duration_us: 0,
                memory_bytes_peak: 0,
            }),
        };
        row.calls += 1;
        row.failed_calls += u64::from(failed);
        row.rows += rows as u64;
        row.fuel += usage.fuel;
        row.duration_us += usage.duration.as_micros() as u64;
        row.memory_bytes_peak = row.memory_bytes_peak.max(usage.memory_bytes_peak);
    }

    fn log(
        &mut self,
        caller: Caller,
        rows: usize,
        usage: &Usage,
        outcome: &str,
        problems: serde_json::Value,
    ) {
        if self.logs.len() >= LOGS_MAX {
            return;
        }
        self.logs.push(PluginCallLog {
            digest: caller.digest,
            pair: Some(caller.pair),
            function: partneros_runtime::Function::Transform.to_string(),
            at: caller.at,
            rows: rows as u64,
            outcome: outcome.to_owned(),
            log: usage.log_tail.clone(),
            problems,
            fuel: usage.fuel,
            duration_us: usage.duration.as_micros() as u64,
        });
    }
}
