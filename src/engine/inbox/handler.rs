//! The handler that is called with events instead of queueing them.

use super::entries::Entries;
use crate::engine::shared::Event;
use crate::library;
use crate::ws::MessageKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Takes an object's events on the I/O thread.
pub struct Handler {
    /// What the face calls the object, for [`crate::engine::answer`].
    pub object: u64,
    pub function: Box<dyn HandlerFunction>,
}

/// The host's function, as its face calls it.
pub trait HandlerFunction: Send + Sync {
    fn event(&self, event: Event);

    /// A message that lies in the I/O thread's buffer, for the time of the call; a text is UTF-8. In parts, which stay in
    /// registers: reading back what was just put together in memory would be a good part of what a short message costs.
    fn message(&self, connection: u64, kind: MessageKind, data: &[u8]);
}

impl Handler {
    /// A panic of the handler must neither end the thread nor leave the queue in its hands.
    pub fn call(&self, call: impl FnOnce(&dyn HandlerFunction)) {
        let _ = catch_unwind(AssertUnwindSafe(|| call(&*self.function)));
        library::back_from_host();
    }
}

/// Whether an object has a handler, and whether it runs just now.
#[derive(Default)]
pub struct Dispatch {
    pub handler: Option<Arc<Handler>>,
    pub running: Option<u64>,
    /// How many runs have ended.
    pub ended: u64,
    /// Calls that wait until it has run.
    pub waiting: usize,
    /// Kept empty, for its memory.
    pub batch: Entries,
}

impl Dispatch {
    pub fn is_set(&self) -> bool {
        self.handler.is_some()
    }
}
