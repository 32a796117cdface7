//! Where the shell gets its time from: the machine's clock, tokio's, or a test's hand. Each can be moved forward.
//!
//! The state machine never sees this type; it is handed timestamps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use partneros_domain::Timestamp;

/// A clock that clones share.
#[derive(Debug, Clone)]
pub struct Clock {
    base: Base,
    offset_ms: Arc<AtomicI64>,
}

#[derive(Debug, Clone, Copy)]
enum Base {
    Machine,
    Runtime(tokio::time::Instant),
    Nothing,
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self {
            base: Base::Machine,
            offset_ms: Arc::default(),
        }
    }

    /// A clock that stands at `start` until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self {
            base: Base::Nothing,
            offset_ms: Arc::new(AtomicI64::new(start.as_millis())),
        }
    }

    /// A clock that shows `start` now and goes on with tokio's time, which a runtime can pause.
    pub fn runtime(start: Timestamp) -> Self {
        Self {
            base: Base::Runtime(tokio::time::Instant::now()),
            offset_ms: Arc::new(AtomicI64::new(start.as_millis())),
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        let offset_ms = self.offset_ms.load(Ordering::SeqCst);
        let base_ms = match self.base {
            Base::Machine => machine_ms(),
            Base::Runtime(start) => i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX),
            Base::Nothing => 0,
        };
        Timestamp(base_ms + offset_ms)
    }

    /// Moves the clock forward.
    pub fn advance(&self, millis: i64) {
        self.offset_ms.fetch_add(millis, Ordering::SeqCst);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server for people runs by the machine's clock, read here only"
)]
fn machine_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
