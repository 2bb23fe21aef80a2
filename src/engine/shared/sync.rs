//! Locks of host threads: `std`'s, because they leave nothing behind in a thread that would keep the library mapped
//! (parking_lot's and crossbeam's waits do), and a panic of one call must not spoil the object for the others.

use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A time to wait, as both faces spell it: 0 without limit, negative not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    No,
    For(Duration),
    Forever,
}

impl Wait {
    pub fn from_ms(ms: i64) -> Self {
        match ms {
            0 => Wait::Forever,
            ms if ms < 0 => Wait::No,
            ms => Wait::For(Duration::from_millis(ms.unsigned_abs())),
        }
    }

    /// The shorter of two.
    pub fn min(self, other: Self) -> Self {
        match (self, other) {
            (Wait::Forever, wait) | (wait, Wait::Forever) => wait,
            (Wait::For(one), Wait::For(another)) => Wait::For(one.min(another)),
            (Wait::No, _) | (_, Wait::No) => Wait::No,
        }
    }

    /// The time in milliseconds, for texts; 0 where there is none.
    pub fn ms(self) -> u64 {
        match self {
            Wait::For(time) => u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            Wait::No | Wait::Forever => 0,
        }
    }
}

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
    pub fn left(self) -> Option<Option<Duration>> {
        match self {
            Deadline::Never => Some(None),
            Deadline::At(at) => at.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).map(Some),
        }
    }
}

impl From<Deadline> for Wait {
    /// What is left of it.
    fn from(deadline: Deadline) -> Self {
        match deadline.left() {
            None => Wait::No,
            Some(None) => Wait::Forever,
            Some(Some(left)) => Wait::For(left),
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
