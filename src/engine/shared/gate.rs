//! Counts the calls inside an object, so that its destruction can wait for them.

use crate::error::{Error, Id, Result};
use crate::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use crate::sync::{Condvar, Mutex, PoisonError};

const CLOSED: usize = 1 << (usize::BITS - 1);

/// Counts the calls inside an object and refuses new ones once it is closed.
#[derive(Default)]
pub struct Gate {
    state: AtomicUsize,
    lock: Mutex<()>,
    left: Condvar,
}

/// A call inside the object; it leaves when this is dropped.
pub struct GateGuard<'a>(&'a Gate);

impl Gate {
    pub fn enter(&self) -> Result<GateGuard<'_>> {
        let before = self.state.fetch_add(1, SeqCst);
        let inside = GateGuard(self);
        if before & CLOSED == 0 { Ok(inside) } else { Err(Error::of(Id::Cancelled)) }
    }

    /// Refuses without counting. For a call that releases the locks of the object before a close can acquire them.
    pub fn check(&self) -> Result<()> {
        if self.is_closed() { Err(Error::of(Id::Cancelled)) } else { Ok(()) }
    }

    pub fn is_closed(&self) -> bool {
        self.state.load(SeqCst) & CLOSED != 0
    }

    /// Refuses every later call; true when this call has closed it.
    pub fn close(&self) -> bool {
        self.state.fetch_or(CLOSED, SeqCst) & CLOSED == 0
    }

    /// After `close`: waits until all calls have left.
    pub fn wait_empty(&self) {
        self.wait_left(0);
    }

    /// After `close`: waits until no more than `own` are inside, the calls of the thread that waits.
    pub fn wait_left(&self, own: usize) {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while self.state.load(SeqCst) & !CLOSED > own {
            guard = self.left.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for GateGuard<'_> {
    fn drop(&mut self) {
        if self.0.state.fetch_sub(1, SeqCst) & CLOSED != 0 {
            // The lock makes sure that the waiter is either before its check or inside its wait.
            drop(self.0.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.0.left.notify_all();
        }
    }
}
