//! On which kind of thread the caller is, and what may be done there.

use super::sync::Wait;
use crate::error::{Error, Id, Result};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

thread_local! {
    /// The number of an I/O thread; 0 on any other. Without a destructor, so that a host thread that asks keeps nothing
    /// of ours.
    static IO_THREAD: Cell<u64> = const { Cell::new(0) };
    /// This host thread runs a borrowed loop while it waits.
    static BORROWER: Cell<bool> = const { Cell::new(false) };
}

/// There is one object and one I/O thread.
static SINGLE_OBJECT: AtomicBool = AtomicBool::new(false);

/// Whether the calling thread runs a borrowed loop ([`crate::engine::mailbox`]): no handler may run here.
pub fn is_borrower() -> bool {
    BORROWER.get()
}

pub fn set_borrower(inside: bool) {
    BORROWER.set(inside);
}

/// Whether the caller is on an I/O thread, that is inside an event handler.
pub fn on_io_thread() -> bool {
    IO_THREAD.get() != 0
}

/// Which I/O thread this is; 0 for none.
pub fn io_thread() -> u64 {
    IO_THREAD.get()
}

/// From now on the calling thread is an I/O thread.
pub fn become_io_thread() {
    IO_THREAD.set(serial());
}

/// The error of a call that may wait, made inside an event handler.
pub fn refuse_on_io_thread(call: &'static str) -> Result<()> {
    if on_io_thread() { Err(Error::new(Id::WouldDeadlock, [call.into()])) } else { Ok(()) }
}

/// How long a call may wait: on an I/O thread never.
pub fn timeout(ms: i64) -> Wait {
    if on_io_thread() { Wait::No } else { Wait::from_ms(ms) }
}

/// Whether all that the loop brings is for one object.
pub fn has_single_object() -> bool {
    SINGLE_OBJECT.load(Relaxed)
}

pub fn set_single_object(one: bool) {
    SINGLE_OBJECT.store(one, Relaxed);
}

/// A number that is never given twice in this process.
pub fn serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}
