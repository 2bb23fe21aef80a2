//! The system's poll: it sleeps until it is woken, and a wake-up before it begins counts.

use crate::sync::{Condvar, Mutex};

#[derive(Default)]
pub struct Waker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Waker {
    pub fn wake(&self) {
        *self.woken.lock().unwrap() = true;
        self.changed.notify_one();
    }

    /// Without a limit: a wake-up that is lost is a model that never ends, which loom reports.
    pub fn poll(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.changed.wait(woken).unwrap();
        }
        *woken = false;
    }
}
