//! Connections on their I/O threads, and the queues between them and the host's threads.

mod event;
mod watch;

pub use event::{Body, Ending, Event, EventData, Outcome, Reason, Wait};
pub use watch::{Signal, Watchable, wait_any};

/// Takes an object's events on the I/O thread; the event is borrowed for the call.
pub type Handler = Box<dyn Fn(&Event) + Send + Sync>;
