//! The time and randomness of a test: the simulator's clock, and a seeded generator.

use std::sync::{Mutex, PoisonError};

use hubspot_sim::Clock;
use partneros_domain::Timestamp;
use partneros_sync::Environment;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A clock shared with the simulated portal, and repeatable randomness.
#[derive(Debug)]
pub struct TestEnvironment {
    clock: Clock,
    random: Mutex<StdRng>,
}

impl TestEnvironment {
    /// Runs by this clock.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            random: Mutex::new(StdRng::seed_from_u64(7)),
        }
    }
}

impl Environment for TestEnvironment {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn random(&self, bytes: &mut [u8]) {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(bytes);
    }
}
