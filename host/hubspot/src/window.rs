//! A rolling window: no more than its limit in any stretch of its length.
//!
//! Pure but for the type of its instants: time arrives as a parameter.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// A rolling window with so many places.
#[derive(Debug)]
pub(crate) struct Window {
    limit: usize,
    length: Duration,
    /// When places were taken, oldest first.
    taken: VecDeque<Instant>,
    held_until: Option<Instant>,
}

impl Window {
    pub(crate) fn new(limit: usize, length: Duration) -> Self {
        Self {
            limit,
            length,
            taken: VecDeque::with_capacity(limit),
            held_until: None,
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Gives no places away before `until`.
    pub(crate) fn hold(&mut self, until: Instant) {
        self.held_until = self.held_until.max(Some(until));
    }

    /// Takes a place, or says when one may be free.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        self.forget(now);
        if let Some(until) = self.held_until.filter(|until| *until > now) {
            return Err(until);
        }
        if let Some(oldest) = self.taken.len().checked_sub(self.limit)
            && let Some(taken) = self.taken.get(oldest)
        {
            return Err(*taken + self.length);
        }
        self.taken.push_back(now);
        Ok(())
    }

    /// Counts what another says is left of `max`: places that were taken without this window's knowledge are taken now.
    pub(crate) fn observe(&mut self, max: usize, remaining: usize, now: Instant) {
        // A lower limit than configured is what HubSpot enforces; a higher one may be shared with others.
        self.limit = self.limit.min(max.max(1));
        self.forget(now);
        let used = max.saturating_sub(remaining).min(self.limit);
        for _ in self.taken.len()..used {
            self.taken.push_back(now);
        }
    }

    fn forget(&mut self, now: Instant) {
        while self
            .taken
            .front()
            .is_some_and(|taken| *taken + self.length <= now)
        {
            self.taken.pop_front();
        }
    }
}
