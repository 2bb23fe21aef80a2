//! What was received and the host has not yet taken: the queue of one object (its incoming mailbox), the calls that wait
//! for it, the handler that is called instead, and requests that wait for their replies.
//!
//! Threads: a host's to receive, to ask and to watch; the loop (the I/O thread, or a host thread that has borrowed it)
//! to admit, to pause and to push; the I/O thread alone, never a borrower, to run a handler.
//! Owns: events in order with the connections that they come from; the bounds; the waiting calls; the handler; the
//! requests without a reply.
//! Locks: one for each queue, with a condition for each waiting call and one for the calls that wait for the end of
//! a handler's run. Inside it are taken that of a parked loop, of a signal or of a request, and a post is made, which may
//! wake a thread. It may be taken inside the lock of a client or server, and inside that of an outbox, where a request
//! is registered. None is held while a handler runs.

mod borrowing;
mod bounds;
mod dispatch;
mod entries;
mod examine;
mod handler;
mod push;
mod receive;
mod reply;
mod request;
mod requests;
mod state;
mod waiters;
mod watch;

pub(super) use self::bounds::LOT;
pub use self::dispatch::HandlerGuard;
pub use self::entries::Entries;
pub use self::handler::{Handler, HandlerFunction};
pub use self::request::RequestGuard;
pub use self::state::Inbox;
pub use self::waiters::{Pushed, Want};
pub use self::watch::{Watchable, wait_any};
