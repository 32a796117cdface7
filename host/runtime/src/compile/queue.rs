//! One compilation at a time, and not too many that wait for their turn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::CompileError;

/// Hands out the turn to compile.
#[derive(Debug, Default)]
pub struct Queue {
    turn: Mutex<()>,
    // Those that wait and the one whose turn it is.
    present: AtomicUsize,
}

/// The right to compile; the next is let in when it is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    // Dropped before `_present`, so that nobody is refused while the turn is free.
    _turn: MutexGuard<'a, ()>,
    _present: Present<'a>,
}

#[derive(Debug)]
struct Present<'a>(&'a AtomicUsize);

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Queue {
    /// Waits for the turn, unless as many as `queue_max` do already.
    pub fn enter(&self, queue_max: usize) -> Result<Turn<'_>, CompileError> {
        let others = self.present.fetch_add(1, Ordering::AcqRel);
        let present = Present(&self.present);
        if others > queue_max {
            return Err(CompileError::QueueFull { queue_max });
        }
        Ok(Turn {
            _turn: self.turn.lock().unwrap_or_else(PoisonError::into_inner),
            _present: present,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn who_finds_the_queue_full_is_sent_away() {
        let queue = Queue::default();
        thread::scope(|scope| {
            let first = queue.enter(1).expect("nobody is there");
            let second = scope.spawn(|| queue.enter(1).map(drop));
            while queue.present.load(Ordering::Acquire) < 2 {
                thread::yield_now();
            }
            let third = queue.enter(1).map(drop);
            assert_eq!(third, Err(CompileError::QueueFull { queue_max: 1 }));
            drop(first);
            assert_eq!(second.join().expect("no panic"), Ok(()));
        });
        queue.enter(0).expect("everybody is gone");
    }
}
