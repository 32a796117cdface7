//! Where the shell gets its time from: the machine's clock or a test's hand, either of which can be moved forward.
//!
//! The state machine never sees this type; it is handed timestamps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use partneros_domain::Timestamp;

/// A clock that clones share.
#[derive(Debug, Clone)]
pub struct Clock {
    real: bool,
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self {
            real: true,
            offset_ms: Arc::default(),
        }
    }

    /// A clock that stands at `start` until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self {
            real: false,
            offset_ms: Arc::new(AtomicI64::new(start.as_millis())),
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        let offset_ms = self.offset_ms.load(Ordering::SeqCst);
        let base_ms = if self.real { machine_ms() } else { 0 };
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
