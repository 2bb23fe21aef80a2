//! Whether a connection's I/O thread has been told that something is to be sent, so that it is told once.

use crate::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};

/// A flush is on its way to the I/O thread.
///
/// A message is pushed under the outbox's lock before [`FlushFlag::raise`]; the I/O thread calls [`FlushFlag::clear`]
/// before it takes that lock. A message pushed before is seen by this flush; a thread that pushes after it also sees the
/// flag cleared, by the order that the lock gives, and posts another flush.
pub struct FlushFlag(AtomicBool);

impl FlushFlag {
    pub fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// False when the thread knows already; true when the caller has to tell it.
    pub fn raise(&self) -> bool {
        // Mostly it is set, and a load needs no locked instruction.
        !self.0.load(Relaxed) && !self.0.swap(true, SeqCst)
    }

    pub fn clear(&self) {
        self.0.store(false, SeqCst);
    }
}
