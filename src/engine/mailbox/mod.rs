//! How other threads reach an I/O thread, and which thread runs its loop.
//!
//! Threads: any to send, notify and reclaim; the I/O thread to lend the loop and to wait meanwhile; a host's thread,
//! inside a call that waits, to borrow it.
//! Owns: the channel of what was posted, the waker, and the parked loop while no thread runs it.
//! Locks: that of the parked loop, with a condition for the I/O thread; nothing is taken inside it. Whether the loop
//! runs, polls or is lent is an atomic, so that a post takes the lock only to take the loop back.

mod leadership;
mod loop_guard;
mod post;

pub use self::leadership::Rounds;
pub use self::loop_guard::LoopGuard;
pub use self::post::Mailbox;
