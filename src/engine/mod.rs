//! Connections on their I/O threads, and the queues between them and the host's threads.

mod command;
mod connection;
mod cork;
mod dispatch;
mod driver;
mod event;
mod event_loop;
mod gate;
mod io_thread;
mod lead;
mod listening;
mod loading;
mod nudge;
mod outbox;
mod queue;
mod reconnect;
mod request;
mod runtime;
mod stats;
mod sync;
mod table;
mod watch;

pub use command::{Acceptor, Command, DialPlan, End, Owner};
pub use connection::{Connection, Counters, Info};
pub use cork::answer;
pub use dispatch::{Handler, HandlerFunction};
pub use event::{Body, Ending, Event, EventData, Opening, Outcome, Reason, Wait};
pub use gate::{Gate, Inside};
pub use loading::{Loading, Ticket};
pub use nudge::Nudge;
pub use queue::{Inbox, Want};
pub use reconnect::{is_followed, longest_wait, next_wait};
pub use runtime::{IoHandle, Lease, on_io_thread, patience, refuse_on_io_thread, serial};
pub use stats::{Totals, connection_json, opening_json};
pub use sync::{Deadline, lock, wait};
pub use watch::{Signal, Watchable, wait_any};
