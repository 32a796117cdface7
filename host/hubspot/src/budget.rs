//! Keeps a portal's calls within HubSpot's rate limits before HubSpot has to.
//!
//! Two windows per portal: searches (5 a second for the whole account, all search endpoints together) and all other
//! calls (so many in ten seconds for this app, searches not counted). A window remembers when each place in it was taken
//! and gives no more than its limit away in any stretch of its length. A token bucket such as `governor`'s was rejected:
//! it lets burst plus refill through in a window and knows no priorities.
//!
//! Invariant: a place that was given is never given back, even when the call failed; HubSpot may have counted it.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::portal::Priority;

/// How many searches an account has in a second.
pub const SEARCHES_PER_SECOND: usize = 5;
/// Requests reach HubSpot with varying delay, so a window is taken to be this much longer than it is.
const SEARCH_WINDOW: Duration = Duration::from_millis(1_020);
const BURST_WINDOW: Duration = Duration::from_millis(10_100);

/// What kind of app a connection belongs to; decides how many calls it has in ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AppKind {
    /// OAuth app with marketplace distribution, listed or not: 110 for each portal.
    #[default]
    Marketplace,
    /// Privately distributed app on a Free or Starter portal: 100.
    Private,
    /// Privately distributed app on a Professional or Enterprise portal: 190.
    PrivateProfessional,
    /// Privately distributed app on a portal with the API limit increase: 250.
    PrivateIncreased,
}

impl AppKind {
    /// How many calls, searches excluded, the app has in ten seconds.
    pub const fn calls_per_ten_seconds(self) -> usize {
        match self {
            Self::Marketplace => 110,
            Self::Private => 100,
            Self::PrivateProfessional => 190,
            Self::PrivateIncreased => 250,
        }
    }
}

/// Which window a call falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meter {
    Search,
    Burst,
}

/// What HubSpot last said is left of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many calls the app has in ten seconds.
    pub max: usize,
    /// How many of them were left.
    pub remaining: usize,
    /// How many calls were left of the day; HubSpot does not say for OAuth apps.
    pub daily_remaining: Option<u64>,
}

/// The rate limits of one portal. Clones share them; all clients of a portal must.
#[derive(Clone)]
pub struct Budget(Arc<Gates>);

struct Gates {
    searches: Gate,
    burst: Gate,
    seen: Mutex<Option<RateLimit>>,
}

impl Budget {
    /// The limits that HubSpot sets for this kind of app.
    pub fn new(app: AppKind) -> Self {
        Self(Arc::new(Gates {
            searches: Gate::new(SEARCHES_PER_SECOND, SEARCH_WINDOW),
            burst: Gate::new(app.calls_per_ten_seconds(), BURST_WINDOW),
            seen: Mutex::new(None),
        }))
    }

    /// What HubSpot last said is left; `None` before the first answer that says so. Search answers never do.
    pub fn rate_limit_remaining(&self) -> Option<RateLimit> {
        *lock(&self.0.seen)
    }

    /// Waits for a place. Of those who wait, the first by priority goes first, then the first come; a steady stream of
    /// higher priority keeps the lower waiting. Dropping the future leaves the queue.
    pub(crate) async fn pass(&self, meter: Meter, priority: Priority) {
        self.gate(meter).pass(priority).await;
    }

    /// Lets nobody through for this long: HubSpot said that the limit is hit.
    pub(crate) fn hold(&self, meter: Meter, wait: Duration) {
        let gate = self.gate(meter);
        let until = Instant::now() + wait;
        let mut state = lock(&gate.state);
        state.window.held_until = state.window.held_until.max(Some(until));
    }

    /// Takes note of what an answer's headers say is left. Calls that this window does not know of, made by another
    /// process with the same app, take their places in it, so that both slow down together.
    pub(crate) fn observe(&self, headers: &HeaderMap) {
        let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let Some(max) = number("x-hubspot-ratelimit-max") else {
            return;
        };
        let Some(remaining) = number("x-hubspot-ratelimit-remaining") else {
            return;
        };
        if number("x-hubspot-ratelimit-interval-milliseconds").is_some_and(|ms| ms != 10_000) {
            return;
        }
        let (max, remaining) = (max as usize, remaining as usize);
        *lock(&self.0.seen) = Some(RateLimit {
            max,
            remaining,
            daily_remaining: number("x-hubspot-ratelimit-daily-remaining"),
        });
        let mut state = lock(&self.0.burst.state);
        state.window.observe(max, remaining, Instant::now());
    }

    fn gate(&self, meter: Meter) -> &Gate {
        match meter {
            Meter::Search => &self.0.searches,
            Meter::Burst => &self.0.burst,
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field(
                "calls_per_ten_seconds",
                &lock(&self.0.burst.state).window.limit,
            )
            .field("seen", &self.rate_limit_remaining())
            .finish_non_exhaustive()
    }
}

/// A window and the queue before it.
struct Gate {
    state: Mutex<Queue>,
    changed: Notify,
}

struct Queue {
    window: Window,
    waiting: BTreeSet<(Priority, u64)>,
    tickets: u64,
}

/// A place in a gate's queue, left when dropped.
struct Place<'a> {
    gate: &'a Gate,
    ticket: (Priority, u64),
}

enum Turn {
    Now,
    At(Instant),
    Behind,
}

impl Gate {
    fn new(limit: usize, length: Duration) -> Self {
        Self {
            state: Mutex::new(Queue {
                window: Window {
                    limit,
                    length,
                    taken: VecDeque::with_capacity(limit),
                    held_until: None,
                },
                waiting: BTreeSet::new(),
                tickets: 0,
            }),
            changed: Notify::new(),
        }
    }

    async fn pass(&self, priority: Priority) {
        let place = self.queue(priority);
        loop {
            // Created before looking, so that a change between looking and waiting is not missed.
            let changed = self.changed.notified();
            match place.turn() {
                Turn::Now => return,
                Turn::At(instant) => tokio::select! {
                    () = tokio::time::sleep_until(instant) => {}
                    () = changed => {}
                },
                Turn::Behind => changed.await,
            }
        }
    }

    fn queue(&self, priority: Priority) -> Place<'_> {
        let mut state = lock(&self.state);
        let ticket = (priority, state.tickets);
        state.tickets += 1;
        state.waiting.insert(ticket);
        Place { gate: self, ticket }
    }
}

impl Place<'_> {
    fn turn(&self) -> Turn {
        let mut state = lock(&self.gate.state);
        if state.waiting.first() != Some(&self.ticket) {
            return Turn::Behind;
        }
        match state.window.take(Instant::now()) {
            Ok(()) => Turn::Now,
            Err(at) => Turn::At(at),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        lock(&self.gate.state).waiting.remove(&self.ticket);
        self.gate.changed.notify_waiters();
    }
}

/// When the places of a rolling window were taken, oldest first.
struct Window {
    limit: usize,
    length: Duration,
    taken: VecDeque<Instant>,
    held_until: Option<Instant>,
}

impl Window {
    /// Takes a place, or says when one may be free.
    fn take(&mut self, now: Instant) -> Result<(), Instant> {
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

    fn observe(&mut self, max: usize, remaining: usize, now: Instant) {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
