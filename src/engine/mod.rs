//! Connections on their I/O threads, and the queues between them and the host's threads.

mod connection;
mod driver;
mod inbox;
mod io;
mod mailbox;
mod outbox;
mod runtime;
mod shared;

pub use connection::{Connection, Info, IoHandle, PendingFlush, Totals, connection_json, opening_json};
pub use inbox::{Handler, HandlerFunction, Inbox, RequestGuard, Want, Watchable, wait_any};
pub use io::{Acceptor, Command, ConnectionEnd, DialPlan, Owner, Plain, Reply};
pub use outbox::{Accepted, Outgoing, Sent, Stopped, answer, send_all};
pub use runtime::RuntimeRef;
pub use shared::{
    BlockingCalls, Body, CloseInfo, Counters, Deadline, Event, EventData, Gate, GateGuard, Generation, LastFailure,
    OpenInfo, Outcome, Reason, Signal, Wait, lock, on_io_thread, refuse_on_io_thread, serial, timeout, wait,
};
