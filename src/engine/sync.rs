//! Locks of host threads: `std`'s, because they leave nothing behind in a thread that would keep the library mapped
//! (parking_lot's and crossbeam's waits do), and a panic of one call must not spoil the object for the others.

use super::event::Wait;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A point in time until which a call may wait.
#[derive(Clone, Copy, Debug)]
pub enum Deadline {
    Never,
    At(Instant),
}

impl Deadline {
    /// `Wait::No` is a deadline that has passed.
    pub fn of(wait: Wait) -> Self {
        let now = Instant::now();
        match wait {
            Wait::No => Deadline::At(now),
            Wait::For(time) => now.checked_add(time).map_or(Deadline::Never, Deadline::At),
            Wait::Forever => Deadline::Never,
        }
    }

    /// What is left, `None` when the deadline has passed.
    pub(super) fn left(self) -> Option<Option<Duration>> {
        match self {
            Deadline::Never => Some(None),
            Deadline::At(at) => at.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).map(Some),
        }
    }
}

/// One wait on `condvar`; false when the deadline has passed (the guard comes back all the same).
pub fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>, deadline: Deadline) -> (MutexGuard<'a, T>, bool) {
    match deadline.left() {
        None => (guard, false),
        Some(None) => (condvar.wait(guard).unwrap_or_else(PoisonError::into_inner), true),
        Some(Some(left)) => (condvar.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0, true),
    }
}
