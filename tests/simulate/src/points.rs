//! The points of a process: before and after each use of the database and each call to HubSpot. At a point a process may be
//! held up, and it may end there for good.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use partneros_store::Steps;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// How often a process is held up at a point.
const DELAYED: f64 = 0.2;
/// For how long it is, in milliseconds.
const DELAY_MS: std::ops::RangeInclusive<u64> = 1..=40;
/// How often it stands still for so long that its lease runs out.
const STALLED: f64 = 0.000_3;
const STALL: Duration = Duration::from_secs(400);

/// What happened in which order, as one number: equal traces mean that two simulations did the same.
#[derive(Debug, Clone, Default)]
pub struct Trace(Arc<Mutex<DefaultHasher>>);

impl Trace {
    /// Adds an event.
    pub fn add(&self, event: impl Hash) {
        event.hash(&mut *lock(&self.0));
    }

    /// The number.
    pub fn number(&self) -> u64 {
        lock(&self.0).finish()
    }
}

/// The points of one process.
pub struct Points {
    process: usize,
    trace: Trace,
    inner: Mutex<Inner>,
    ended: Notify,
}

struct Inner {
    dice: StdRng,
    began: Instant,
    count: u64,
    calm: bool,
    ends_at: Option<u64>,
    ends_unanswered: Option<(&'static str, oneshot::Sender<()>)>,
    dead: bool,
    waiting: Vec<(u64, oneshot::Sender<()>)>,
}

impl Points {
    /// The points of a process that begins now.
    pub fn new(process: usize, seed: u64, trace: Trace) -> Self {
        let inner = Inner {
            dice: StdRng::seed_from_u64(seed),
            began: Instant::now(),
            count: 0,
            calm: false,
            ends_at: None,
            ends_unanswered: None,
            dead: false,
            waiting: Vec::new(),
        };
        Self {
            process,
            trace,
            inner: Mutex::new(inner),
            ended: Notify::new(),
        }
    }

    /// Which process these are of.
    pub fn process(&self) -> usize {
        self.process
    }

    /// Stands at a point. Never returns at the one where the process ends.
    pub async fn pass(&self, what: &str) {
        let pause = {
            let mut inner = lock(&self.inner);
            inner.count += 1;
            let count = inner.count;
            let elapsed = inner.began.elapsed().as_millis() as u64;
            self.trace.add((self.process, what, elapsed));
            // Whoever waits for a moment in the middle of a pass gets it here.
            let mut at = 0;
            while at < inner.waiting.len() {
                if inner.waiting[at].0 <= count {
                    let (_, waiting) = inner.waiting.swap_remove(at);
                    // Nobody listens any more when the wait was given up.
                    let _ = waiting.send(());
                } else {
                    at += 1;
                }
            }
            if inner.ends_at.is_some_and(|end| end <= count) {
                inner.ends_at = None;
                inner.dead = true;
                self.ended.notify_one();
            }
            inner.pause()
        };
        match pause {
            Pause::None => {}
            Pause::For(time) => tokio::time::sleep(time).await,
            Pause::Forever => std::future::pending().await,
        }
    }

    /// A number in 0..1.
    pub fn draw(&self) -> f64 {
        lock(&self.inner).dice.random()
    }

    /// A whole number in a range.
    pub fn pick(&self, range: std::ops::Range<u64>) -> u64 {
        lock(&self.inner).dice.random_range(range)
    }

    /// Fills a buffer.
    pub fn fill(&self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut lock(&self.inner).dice, bytes);
    }

    /// Whether trouble is over.
    pub fn is_calm(&self) -> bool {
        lock(&self.inner).calm
    }

    /// Ends all trouble.
    pub fn calm_down(&self) {
        let mut inner = lock(&self.inner);
        inner.calm = true;
        inner.ends_at = None;
        inner.ends_unanswered = None;
    }

    /// Lets the process end at a point from now.
    pub fn end_after(&self, points: u64) {
        let mut inner = lock(&self.inner);
        inner.ends_at = Some(inner.count + points);
    }

    /// Lets the process end as soon as HubSpot has taken a call of its at a path that ends like this, before it hears so. Who
    /// waits learns of it.
    pub fn end_unanswered(&self, path: &'static str) -> oneshot::Receiver<()> {
        let (applied, wait) = oneshot::channel();
        lock(&self.inner).ends_unanswered = Some((path, applied));
        wait
    }

    /// HubSpot has taken a call.
    pub fn applied(&self, path: &str) {
        let mut inner = lock(&self.inner);
        let waits = inner
            .ends_unanswered
            .take_if(|(end, _)| path.ends_with(*end));
        if let Some((_, applied)) = waits {
            inner.ends_at = Some(inner.count);
            // Nobody listens any more when the wait was given up.
            let _ = applied.send(());
        }
    }

    /// Waits for the end.
    pub async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Begins to live again after an end.
    pub fn revive(&self) {
        lock(&self.inner).dead = false;
    }

    /// Learns when the process stands at a point from now.
    pub fn after(&self, points: u64) -> oneshot::Receiver<()> {
        let (reached, wait) = oneshot::channel();
        let mut inner = lock(&self.inner);
        let at = inner.count + points;
        inner.waiting.push((at, reached));
        wait
    }
}

enum Pause {
    None,
    For(Duration),
    Forever,
}

impl Inner {
    fn pause(&mut self) -> Pause {
        if self.dead {
            return Pause::Forever;
        }
        if self.calm {
            return Pause::None;
        }
        let draw: f64 = self.dice.random();
        if draw < STALLED {
            Pause::For(STALL)
        } else if draw < STALLED + DELAYED {
            Pause::For(Duration::from_millis(self.dice.random_range(DELAY_MS)))
        } else {
            Pause::None
        }
    }
}

impl fmt::Debug for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Points")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Steps for Points {
    async fn step(&self, operation: &'static str) {
        self.pass(operation).await;
    }
}

/// A panic elsewhere ends the simulation with its own message.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
