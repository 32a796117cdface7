//! Time and randomness, which arrive from outside so that a run can be replayed.

use partneros_domain::Timestamp;
use uuid::Uuid;

/// Where the engine takes the time and fresh ids from.
pub trait Environment: Send + Sync + std::fmt::Debug {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// Fills the buffer with random bytes, good enough for secrets in production.
    fn random(&self, bytes: &mut [u8]);

    /// Whether computing happens on the caller's thread instead of one for blocking work, so that a simulation is
    /// deterministic.
    fn computes_inline(&self) -> bool {
        false
    }

    /// A new id (UUID version 7: ids made later sort later, so that their rows are appended).
    fn new_id(&self) -> Uuid {
        let mut random = [0; 10];
        self.random(&mut random);
        let millis = u64::try_from(self.now().as_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}
