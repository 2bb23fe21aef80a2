//! A doorbell for whoever waits for any of several objects.

use super::sync::{Deadline, lock, wait};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Objects ring it; it stays rung until somebody waits for it.
#[derive(Default)]
pub struct Signal {
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Signal {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn ring(&self) {
        let before = std::mem::replace(&mut *lock(&self.rung), true);
        if !before {
            self.bell.notify_all();
        }
    }

    /// Waits until it was rung since the last wait; false when the time ran out. `None` is without limit.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let deadline = match timeout.map(|time| Instant::now().checked_add(time)) {
            None | Some(None) => Deadline::Never,
            Some(Some(at)) => Deadline::At(at),
        };
        self.wait_until(deadline)
    }

    pub(in crate::engine) fn wait_until(&self, deadline: Deadline) -> bool {
        let mut rung = lock(&self.rung);
        while !*rung {
            let (guard, in_time) = wait(&self.bell, rung, deadline);
            rung = guard;
            if !in_time {
                break;
            }
        }
        std::mem::replace(&mut *rung, false)
    }
}
