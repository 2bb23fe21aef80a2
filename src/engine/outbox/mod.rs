//! What is to be sent: the send queue of a connection (its outgoing mailbox), and the bypass for a
//! handler's answers.
//!
//! Threads: any to push, finish, drain and ask, and for the steps of a takeover; the loop (the I/O thread, or a host
//! thread that has borrowed it) to attach, take and detach, and for all of the bypass.
//! Owns: messages that were accepted and that the kernel has not taken; a handler's answers of one read (thread-local,
//! while the handler runs).
//! Locks: one for each outbox, with a condition for the calls that wait for room. A request is registered with its inbox,
//! which has a lock, inside it; nothing else is taken there. It may be taken inside the lock of a client or server.

mod cork;
mod outgoing;
mod queue;
mod sink;
mod waiting;

pub use self::cork::{Bounds, Cork, answer};
pub use self::outgoing::{Outgoing, Sent, Stopped, send_all};
pub use self::queue::{Accepted, Outbox};
pub use self::sink::Sink;
pub use self::waiting::Waiting;
