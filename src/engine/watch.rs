//! Waiting for any of several objects.

use super::event::{Event, Outcome, Wait};
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;

/// A doorbell that objects ring; it stays rung until somebody waits for it.
pub struct Signal {}

impl Signal {
    pub fn new() -> Arc<Self> {
        todo!()
    }

    pub fn ring(&self) {
        todo!()
    }

    /// Waits until it was rung since the last wait; false when the time ran out. `None` is without limit.
    pub fn wait(&self, _timeout: Option<Duration>) -> bool {
        todo!()
    }
}

/// The queue of one client or server, to be waited for.
#[derive(Clone)]
pub struct Watchable {}

impl Watchable {
    /// Whether a `ReceiveEvent` would return at once: something is queued, or the object has ended or was stopped.
    pub fn is_ready(&self) -> bool {
        todo!()
    }

    /// From now on `signal` is rung whenever the object may have become ready.
    pub fn subscribe(&self, _signal: &Arc<Signal>) {
        todo!()
    }

    pub fn unsubscribe(&self, _signal: &Arc<Signal>) {
        todo!()
    }

    /// The next event without waiting, whoever else may be waiting.
    pub fn take(&self) -> Option<Event> {
        todo!()
    }

    /// Puts an event that was just taken back to the front of the queue.
    pub fn put_back(&self, _event: Event) {
        todo!()
    }
}

/// Waits until one is ready and gives its index; the search begins at `start`. `None` entries (bad handles) are ready.
pub fn wait_any(_objects: &[Option<Watchable>], _start: usize, _wait: Wait) -> Result<Outcome<usize>> {
    todo!()
}
