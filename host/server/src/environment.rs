//! The real clock and the system's randomness: the one place where this program reads either.

use partneros_domain::Timestamp;
use partneros_sync::Environment;

/// The system's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "everything else takes the time from here"
        )]
        let now = jiff::Timestamp::now();
        Timestamp(now.as_millisecond())
    }

    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides randomness");
    }
}
