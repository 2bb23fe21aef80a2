//! How other threads reach an I/O thread, and who runs its loop.
//!
//! Threads: any to post, look and hurry; the I/O thread to stand by; a host's thread, inside a call that waits, to visit.
//! Owns: the channel of what was posted, the waker, and the parked loop while nobody runs it.
//! Locks: that of the parked loop, with a condition for the I/O thread; nothing is taken inside it. Whether the loop
//! runs, sleeps or is parked is an atomic, so that a post takes the lock only to call the loop back.

mod leadership;
mod loop_guard;
mod post;

pub use self::leadership::Rounds;
pub use self::loop_guard::LoopGuard;
pub use self::post::Mailbox;
