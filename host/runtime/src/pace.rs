//! Keeps calls that run for long from taking every core.
//!
//! A call begins at once. When it has run for a while, or when its plugin's last call broke a limit, it goes on only in
//! turns, of which fewer run at a time than there are cores; so a short call finds a core, whatever the others do. Turns are
//! given in the order they were asked for, and end after a while if others wait.

use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// After how many ticks a call runs for long, and how many a turn has.
const QUANTUM_TICKS: u64 = 5;

/// Gives out turns.
#[derive(Debug)]
pub struct Turns {
    counts: Mutex<Counts>,
    ended: Condvar,
    at_once: u64,
}

#[derive(Debug, Default)]
struct Counts {
    asked: u64,
    ended: u64,
}

/// The right to run for long; ends when dropped.
#[derive(Debug)]
pub struct Turn(Arc<Turns>);

/// How far a call has come, in ticks that it ran. Time in which it waits for its turn does not count.
#[derive(Debug)]
pub struct Pace {
    turns: Arc<Turns>,
    turn: Option<Turn>,
    ticks_max: u64,
    ticks: u64,
    ticks_of_turn: u64,
    waited: Duration,
}

impl Turns {
    /// Leaves one core to short calls where there are several.
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self::at_once(cores.saturating_sub(1).max(1) as u64)
    }

    fn at_once(at_once: u64) -> Self {
        Self {
            counts: Mutex::default(),
            ended: Condvar::new(),
            at_once,
        }
    }

    /// Waits for a turn.
    pub fn take(self: &Arc<Self>) -> Turn {
        let mut counts = self.lock();
        let place = counts.asked;
        counts.asked += 1;
        let waiting = |counts: &mut Counts| place >= counts.ended + self.at_once;
        drop(
            self.ended
                .wait_while(counts, waiting)
                .unwrap_or_else(PoisonError::into_inner),
        );
        Turn(Arc::clone(self))
    }

    fn is_awaited(&self) -> bool {
        let counts = self.lock();
        counts.asked > counts.ended + self.at_once
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().ended += 1;
        self.0.ended.notify_all();
    }
}

impl Pace {
    /// A call that may run for this many ticks, and begins with a turn if its plugin is not trusted.
    pub fn new(turns: &Arc<Turns>, turn: Option<Turn>, ticks_max: u64) -> Self {
        Self {
            turns: Arc::clone(turns),
            turn,
            ticks_max,
            ticks: 0,
            ticks_of_turn: 0,
            waited: Duration::ZERO,
        }
    }

    /// After how many ticks [`Self::go_on`] is to be asked for the first time.
    pub fn first_ticks(&self) -> u64 {
        self.ticks_max.min(QUANTUM_TICKS)
    }

    /// Whether the call may go on for another tick, now that it ran for these; waits until it is its turn.
    pub fn go_on(&mut self, ticks: u64) -> bool {
        self.ticks += ticks;
        self.ticks_of_turn += ticks;
        if self.ticks >= self.ticks_max {
            return false;
        }
        if self.ticks_of_turn >= QUANTUM_TICKS && self.turns.is_awaited() {
            self.turn = None;
        }
        if self.turn.is_none() {
            let asked = Instant::now();
            self.turn = Some(self.turns.take());
            self.waited += asked.elapsed();
            self.ticks_of_turn = 0;
        }
        true
    }

    /// How long it waited for its turns.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_turn_is_waited_for_until_another_ends() {
        let turns = Arc::new(Turns::at_once(1));
        let first = turns.take();
        assert!(!turns.is_awaited());
        let (sender, taken) = mpsc::channel();
        let also = Arc::clone(&turns);
        let waiting = thread::spawn(move || sender.send(also.take()).unwrap());
        while !turns.is_awaited() {
            thread::yield_now();
        }
        assert!(taken.try_recv().is_err());
        drop(first);
        let second = taken.recv().unwrap();
        waiting.join().unwrap();
        assert!(!turns.is_awaited());
        drop(second);
        drop(turns.take());
    }

    #[test]
    fn a_long_call_lets_others_run_and_its_wait_is_not_its_time() {
        let turns = Arc::new(Turns::at_once(1));
        let mut long = Pace::new(&turns, None, 100);
        assert_eq!(long.first_ticks(), QUANTUM_TICKS);
        assert!(long.go_on(QUANTUM_TICKS));
        let also = Arc::clone(&turns);
        let other = thread::spawn(move || drop(also.take()));
        while !turns.is_awaited() {
            thread::yield_now();
        }
        for _ in 1..QUANTUM_TICKS {
            assert!(long.go_on(1));
            assert!(turns.is_awaited(), "a turn lasts");
        }
        assert!(long.go_on(1));
        other.join().unwrap();
        assert!(long.waited() > Duration::ZERO);
        assert!(!long.go_on(100), "its time is over");
    }

    #[test]
    fn a_call_ends_at_its_last_tick() {
        let turns = Arc::new(Turns::at_once(1));
        let mut short = Pace::new(&turns, None, 3);
        assert_eq!(short.first_ticks(), 3);
        assert!(!short.go_on(3));
    }
}
