//! What is to be sent: the send queue of a connection, and the way past it for a handler's answers.
//!
//! Threads: any to push, hold, inherit, drain, finish and ask; the loop (the I/O thread, or a guest that runs it) to
//! attach, take, detach and seal, and for all of the way past the queue.
//! Owns: messages that were accepted and that the kernel has not taken; a handler's answers of one read (thread-local,
//! while the handler runs).
//! Locks: one for each outbox, with a condition for those who wait for room. A request is registered with its inbox,
//! which has a lock, inside it; nothing else is taken there. It may be taken inside the lock of a client or server.

mod cork;
mod queue;
mod waiting;

pub use self::cork::{Bounds, Cork, answer};
pub use self::queue::{Accepted, Outbox};
pub use self::waiting::Waiting;
