//! The system's clock and randomness, for the host under measurement.

use partneros_domain::Timestamp;
use partneros_sync::Environment;

/// Reads both from the system.
#[derive(Debug, Clone, Copy)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "a measurement happens in real time"
        )]
        let now = jiff::Timestamp::now();
        Timestamp(now.as_millisecond())
    }

    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides randomness");
    }
}
