//! How far a round has come, while it goes on.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use crate::rounds::Run;
use crate::setup::Pair;
use crate::table::count;

/// How often progress is shown on a terminal, on one line, and elsewhere, on a line each.
const SHOW: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// Progress on the standard output: one line that is written over on a terminal, a line a second elsewhere.
#[derive(Debug)]
pub struct Progress<'a> {
    expected: Option<&'a [u64]>,
    terminal: bool,
    shown: Option<Duration>,
}

impl<'a> Progress<'a> {
    /// Progress towards these many objects of each pair, if that is known.
    pub fn new(expected: Option<&'a [u64]>) -> Self {
        Self {
            expected,
            terminal: std::io::stdout().is_terminal(),
            shown: None,
        }
    }

    /// Shows how far the runs have come, if it is time to.
    pub fn show(&mut self, pairs: &[Pair], runs: &[Run], elapsed: Duration, over: bool) {
        let [terminal, elsewhere] = SHOW;
        let pause = if self.terminal { terminal } else { elsewhere };
        let due = elapsed >= self.shown.unwrap_or_default() + pause;
        // The end is shown too, if there was something to end.
        let last = over && self.shown.is_some();
        if !(due || last) {
            return;
        }
        self.shown = Some(elapsed);
        let line = self.line(pairs, runs, elapsed);
        if self.terminal {
            print!("\r\x1b[2K{line}");
            if over {
                print!("\r\x1b[2K");
            }
            // Nobody is told about a terminal that went away; the story goes on.
            let _ = std::io::stdout().flush();
        } else {
            println!("{line}");
        }
    }

    fn line(&self, pairs: &[Pair], runs: &[Run], elapsed: Duration) -> String {
        let mut parts = Vec::with_capacity(pairs.len());
        let mut records = 0;
        for (at, (pair, run)) in pairs.iter().zip(runs).enumerate() {
            records += run.counts.pulled + run.counts.pushed;
            let of = self.expected.and_then(|expected| expected.get(at));
            let of = of
                .map(|of| format!(" of {}", count(*of)))
                .unwrap_or_default();
            parts.push(format!("{} {}{of}", pair.object, count(run.counts.pulled)));
        }
        let seconds = elapsed.as_secs_f64();
        let rate = count((records as f64 / seconds.max(0.001)) as u64);
        format!(
            "  {seconds:5.1} s   {}   {rate} records/s",
            parts.join("   ")
        )
    }
}
