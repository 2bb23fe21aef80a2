//! A flag that wakes a call which waits for any of several objects.

use super::sync::{Deadline, lock, wait};
use crate::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Set by the objects that are watched; it stays set until a wait takes it, as an auto-reset event does.
#[derive(Default)]
pub struct Signal {
    notified: Mutex<bool>,
    condvar: Condvar,
}

impl Signal {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn notify(&self) {
        let before = std::mem::replace(&mut *lock(&self.notified), true);
        if !before {
            self.condvar.notify_all();
        }
    }

    /// Waits until it was notified since the last wait; false when the time ran out. `None` is without limit.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let deadline = match timeout.map(|time| Instant::now().checked_add(time)) {
            None | Some(None) => Deadline::Never,
            Some(Some(at)) => Deadline::At(at),
        };
        self.wait_until(deadline)
    }

    pub(in crate::engine) fn wait_until(&self, deadline: Deadline) -> bool {
        let mut notified = lock(&self.notified);
        while !*notified {
            let (guard, in_time) = wait(&self.condvar, notified, deadline);
            notified = guard;
            if !in_time {
                break;
            }
        }
        std::mem::replace(&mut *notified, false)
    }
}
