//! Keeps a portal's calls within HubSpot's rate limits before HubSpot has to.
//!
//! Two windows per portal: searches (5 a second for the whole account, all search endpoints together) and all other
//! calls (so many in ten seconds for this app, searches not counted). Before each stands a queue by priority. A token
//! bucket such as `governor`'s was rejected: it lets burst plus refill through in a window and knows no priorities.
//!
//! Invariant: a place that was given is never given back, even when the call failed; HubSpot may have counted it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::portal::Priority;
use crate::window::Window;

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
    /// How many calls the account has in a day; HubSpot does not say for OAuth apps.
    pub daily_max: Option<u64>,
    /// How many of them were left.
    pub daily_remaining: Option<u64>,
    /// How long ago HubSpot said so.
    pub age_ms: u64,
}

/// The rate limits of one portal. Clones share them; all clients of a portal must.
#[derive(Clone)]
pub struct Budget(Arc<Gates>);

struct Gates {
    searches: Gate,
    burst: Gate,
    seen: Mutex<Option<(RateLimit, Instant)>>,
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
        let (limit, seen_at) = (*lock(&self.0.seen))?;
        Some(RateLimit {
            age_ms: seen_at.elapsed().as_millis() as u64,
            ..limit
        })
    }

    /// Waits for a place. Of those who wait, the first by priority goes first, then the first come; a steady stream of
    /// higher priority keeps the lower waiting. Dropping the future leaves the queue.
    pub(crate) async fn pass(&self, meter: Meter, priority: Priority) {
        self.gate(meter).pass(priority).await;
    }

    /// Lets nobody through for this long: HubSpot said that the limit is hit.
    pub(crate) fn hold(&self, meter: Meter, wait: Duration) {
        let gate = self.gate(meter);
        lock(&gate.state).window.hold(Instant::now() + wait);
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
        let limit = RateLimit {
            max,
            remaining,
            daily_max: number("x-hubspot-ratelimit-daily"),
            daily_remaining: number("x-hubspot-ratelimit-daily-remaining"),
            age_ms: 0,
        };
        *lock(&self.0.seen) = Some((limit, Instant::now()));
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
                &lock(&self.0.burst.state).window.limit(),
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
                window: Window::new(limit, length),
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes `calls` times with a pause that stands for the exchange, and says when each passed.
    async fn passes(budget: &Budget, meter: Meter, calls: usize, exchange_ms: u64) -> Vec<Instant> {
        let mut at = Vec::new();
        for call in 0..calls {
            budget.pass(meter, Priority::Poll).await;
            at.push(Instant::now());
            let varied = exchange_ms + (call as u64 * 37) % 50;
            tokio::time::sleep(Duration::from_millis(varied)).await;
        }
        at
    }

    fn most_within(at: &[Instant], length: Duration) -> usize {
        let within = |from: &Instant| {
            at.iter()
                .filter(|i| *i >= from && **i - *from < length)
                .count()
        };
        at.iter().map(within).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn searches_use_nearly_all_of_five_a_second_and_never_more() {
        for exchange_ms in [0, 40, 130] {
            let budget = Budget::new(AppKind::Marketplace);
            let at = passes(&budget, Meter::Search, 200, exchange_ms).await;
            assert_eq!(
                most_within(&at, Duration::from_secs(1)),
                SEARCHES_PER_SECOND
            );
            let rate = 195.0 / (at[195] - at[0]).as_secs_f64();
            assert!(rate >= 0.97 * 5.0, "{rate} searches a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_let_through_at_once_and_the_rest_waits_for_the_window() {
        let budget = Budget::new(AppKind::Private);
        let began = Instant::now();
        for _ in 0..100 {
            budget.pass(Meter::Burst, Priority::Push).await;
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        budget.pass(Meter::Burst, Priority::Push).await;
        assert!(began.elapsed() >= Duration::from_secs(10));
        let at = passes(&Budget::new(AppKind::Private), Meter::Burst, 1_000, 10).await;
        assert_eq!(most_within(&at, Duration::from_secs(10)), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn searches_and_other_calls_do_not_count_for_each_other() {
        let budget = Budget::new(AppKind::Marketplace);
        let began = Instant::now();
        for _ in 0..SEARCHES_PER_SECOND {
            budget.pass(Meter::Search, Priority::Poll).await;
        }
        budget.pass(Meter::Burst, Priority::Poll).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_matters_more_passes_first_and_who_gives_up_blocks_nobody() {
        let budget = Budget::new(AppKind::Marketplace);
        for _ in 0..SEARCHES_PER_SECOND {
            budget.pass(Meter::Search, Priority::Poll).await;
        }
        let (passed, mut order) = tokio::sync::mpsc::unbounded_channel();
        let wait = |priority| {
            let (budget, passed) = (budget.clone(), passed.clone());
            tokio::spawn(async move {
                budget.pass(Meter::Search, priority).await;
                let _ = passed.send(priority);
            })
        };
        let waiting = [
            wait(Priority::Backfill),
            wait(Priority::Poll),
            wait(Priority::Push),
            wait(Priority::Interactive),
        ];
        tokio::task::yield_now().await;
        waiting[2].abort();
        for expected in [Priority::Interactive, Priority::Poll, Priority::Backfill] {
            assert_eq!(order.recv().await, Some(expected));
        }
    }

    fn headers(max: u32, remaining: u32) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-hubspot-ratelimit-interval-milliseconds", 10_000),
            ("x-hubspot-ratelimit-max", max),
            ("x-hubspot-ratelimit-remaining", remaining),
        ] {
            headers.insert(name, value.into());
        }
        headers
    }

    #[tokio::test(start_paused = true)]
    async fn calls_of_other_processes_with_the_same_app_count() {
        let budget = Budget::new(AppKind::Marketplace);
        assert_eq!(budget.rate_limit_remaining(), None);
        budget.pass(Meter::Burst, Priority::Push).await;
        budget.observe(&headers(110, 1));
        let seen = budget.rate_limit_remaining().unwrap();
        assert_eq!(
            (seen.max, seen.remaining, seen.daily_remaining),
            (110, 1, None)
        );
        let began = Instant::now();
        budget.pass(Meter::Burst, Priority::Push).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        budget.pass(Meter::Burst, Priority::Push).await;
        assert!(began.elapsed() >= Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lower_limit_than_assumed_is_adopted() {
        let budget = Budget::new(AppKind::PrivateIncreased);
        budget.observe(&headers(100, 100));
        let at = passes(&budget, Meter::Burst, 300, 0).await;
        assert_eq!(most_within(&at, Duration::from_secs(10)), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_stops_everyone_and_a_shorter_one_does_not_end_it() {
        let budget = Budget::new(AppKind::Marketplace);
        let began = Instant::now();
        budget.hold(Meter::Search, Duration::from_secs(3));
        budget.hold(Meter::Search, Duration::from_secs(1));
        budget.pass(Meter::Search, Priority::Interactive).await;
        assert!(began.elapsed() >= Duration::from_secs(3));
    }
}
