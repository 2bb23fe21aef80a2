//! Calls that have something read or computed on a worker and wait for it: certificates, above all. OpenSSL must not run
//! on a host's thread, and a file on a dead network share must not hold up a `Disconnect`.

use super::sync::{Deadline, Wait, lock, wait};
use super::threads::on_io_thread;
use crate::error::{Error, Id, Result};
use crate::net::Workers;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};

#[derive(Default)]
struct State {
    interrupts: u64,
    closed: bool,
}

/// The calls of one object that wait for a worker.
#[derive(Default)]
pub struct BlockingCalls {
    state: Mutex<State>,
    changed: Condvar,
}

/// Taken before another thread can see the call and interrupt it.
#[derive(Clone, Copy)]
pub struct Generation(u64);

impl BlockingCalls {
    pub fn generation(&self) -> Generation {
        Generation(lock(&self.state).interrupts)
    }

    /// Runs `job` on a worker and waits for it, or until interrupted: then it ends unheeded.
    pub fn run<T: Send + 'static>(
        self: &Arc<Self>,
        generation: Generation,
        workers: &Arc<Workers>,
        job: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if on_io_thread() {
            // A thread of ours already, inside an event handler.
            return job();
        }
        let place = Arc::new(Mutex::new(None));
        let (own, result) = (self.clone(), place.clone());
        workers.run(move |_| {
            let outcome = catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| Err(Error::of(Id::Panic)));
            *lock(&result) = Some(outcome);
            // The lock makes sure that the waiter is either before its check or inside its wait.
            drop(lock(&own.state));
            own.changed.notify_all();
        })?;
        let mut state = lock(&self.state);
        loop {
            if let Some(outcome) = lock(&place).take() {
                return outcome;
            }
            if state.closed || state.interrupts != generation.0 {
                return Err(Error::of(Id::Cancelled));
            }
            state = wait(&self.changed, state, Deadline::of(Wait::Forever)).0;
        }
    }

    /// Ends the waits that have begun.
    pub fn interrupt(&self) {
        lock(&self.state).interrupts += 1;
        self.changed.notify_all();
    }

    /// Ends all waits, later ones too.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}
