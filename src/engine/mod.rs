//! Connections on their I/O threads, and the queues between them and the host's threads.

mod event;

pub use event::{Body, Ending, Event, EventData, Outcome, Reason, Wait};
