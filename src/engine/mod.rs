//! Connections on their I/O threads, and the queues between them and the host's threads.

mod connection;
mod dispatch;
mod driver;
mod io;
mod mailbox;
mod outbox;
mod queue;
mod runtime;
mod shared;
mod watch;

// Until the queue and what belongs to it stand in their room.
use connection as lead;
use shared as event;
use shared as sync;

pub use connection::{Connection, Info, IoHandle, Nudge, Totals, connection_json, opening_json};
pub use dispatch::{Handler, HandlerFunction};
pub use io::{Acceptor, Command, DialPlan, End, Owner};
pub use outbox::{Accepted, answer};
pub use queue::{Asked, Inbox, Want};
pub use runtime::Lease;
pub use shared::{
    Body, Counters, Deadline, Ending, Event, EventData, Gate, Inside, Loading, Opening, Outcome, Reason, Ticket, Wait,
    lock, on_io_thread, patience, refuse_on_io_thread, serial, wait,
};
pub use watch::{Signal, Watchable, wait_any};
