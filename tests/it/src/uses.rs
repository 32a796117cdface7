//! How often a host uses its database: what a poll costs that finds nothing.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use partneros_store::Steps;

/// The uses of a database, in order.
#[derive(Debug, Default)]
pub struct Uses(Mutex<Vec<&'static str>>);

impl Uses {
    /// The uses since the last call.
    pub fn take(&self) -> Vec<&'static str> {
        let told = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        // Each is told of twice: before its work and after.
        told.into_iter().step_by(2).collect()
    }
}

#[async_trait]
impl Steps for Uses {
    async fn step(&self, operation: &'static str) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(operation);
    }
}
