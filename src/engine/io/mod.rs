//! What the steps of one I/O thread share: what is asked of it, the objects it reports to, and its buffers.
//!
//! Threads: the loop (the I/O thread, or a host thread that has borrowed it). `Owner` and `Acceptor` are called there;
//! commands are made by any thread.
//! Owns: the thread's reactor, timers, buffers, compressors and masks; what a round has brought and the queues have not
//! got yet; the reconnecting dials under way.
//! Locks: none. What it hands over takes that of the queue; none is held while an `Owner` or an `Acceptor` is called.

mod budget;
mod command;
mod context;
mod dial_limit;
mod owner;
mod plain;
mod staged;

pub use self::budget::Budget;
pub use self::command::Command;
pub use self::context::{BUFFER, LARGE, TOKENS, ThreadContext};
pub use self::owner::{Acceptor, ConnectionEnd, DialPlan, Owner};
pub use self::plain::{Plain, Reply};
pub use self::staged::Staged;
