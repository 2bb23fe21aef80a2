//! Waiting for any of several objects.

use super::state::Inbox;
use crate::engine::shared::{Deadline, Event, Outcome, Signal, Wait, on_io_thread};
use crate::error::{Error, Id, Result};
use std::sync::Arc;

/// The queue of one client or server, to be waited for.
#[derive(Clone)]
pub struct Watchable {
    inbox: Arc<Inbox>,
}

impl Watchable {
    pub(crate) fn new(inbox: &Arc<Inbox>) -> Self {
        Self { inbox: inbox.clone() }
    }

    /// Whether a `ReceiveEvent` would return at once: something is queued, or the object has ended or was stopped.
    pub fn is_ready(&self) -> bool {
        self.inbox.is_ready()
    }

    /// Whether something is queued.
    pub fn has_events(&self) -> bool {
        self.inbox.has_events()
    }

    /// From now on `signal` is notified whenever the object may have become ready.
    pub fn subscribe(&self, signal: &Arc<Signal>) {
        self.inbox.subscribe(signal);
    }

    /// The same, for [`Watchable::ends_wait`].
    fn begin_wait(&self, signal: &Arc<Signal>) -> u64 {
        self.inbox.subscribe(signal)
    }

    /// Whether a wait that began at `since` is over: a close wakes at once, though the object is not at its end yet.
    fn ends_wait(&self, since: u64) -> bool {
        self.inbox.is_ready() || self.inbox.was_released(since)
    }

    pub fn unsubscribe(&self, signal: &Arc<Signal>) {
        self.inbox.unsubscribe(signal);
    }

    /// The next event without waiting, even while other calls wait; and what [`Watchable::put_back`] needs.
    pub fn take(&self) -> Option<(Event, u64)> {
        self.inbox.take_now()
    }

    /// What [`Watchable::put_back`] needs of an event that is taken from now on.
    pub fn clears(&self) -> u64 {
        self.inbox.clears()
    }

    /// Puts an event that was just taken back to the front of the queue, unless all was dropped there meanwhile.
    pub fn put_back(&self, event: Event, clears: u64) {
        self.inbox.put_back(event, clears);
    }
}

/// Waits until one is ready and gives its index; the search begins at `start`. `None` entries (bad handles) are ready.
pub fn wait_any(objects: &[Option<Watchable>], start: usize, timeout: Wait) -> Result<Outcome<usize>> {
    if objects.is_empty() {
        return Err(Error::new(Id::CountZero, ["count".into()]));
    }
    if on_io_thread() {
        return Err(Error::new(Id::WouldDeadlock, ["wait_any".into()]));
    }
    let order = || (0..objects.len()).map(|offset| (start + offset) % objects.len());
    if let Some(at) = order().find(|&at| objects[at].as_ref().is_none_or(Watchable::is_ready)) {
        return Ok(Outcome::Got(at));
    }
    let deadline = Deadline::of(timeout);
    let signal = Signal::new();
    // All of them are objects, or the search above would have ended at one that is not.
    let watched: Vec<_> = objects.iter().flatten().map(|object| (object, object.begin_wait(&signal))).collect();
    let find = || order().find(|&at| watched.get(at).is_none_or(|(object, since)| object.ends_wait(*since)));
    let outcome = loop {
        // Checked after subscribing, so that no notification in between is missed.
        if let Some(at) = find() {
            break Outcome::Got(at);
        }
        if !signal.wait_until(deadline) {
            break find().map_or(Outcome::Timeout, Outcome::Got);
        }
    };
    watched.iter().for_each(|(object, _)| object.unsubscribe(&signal));
    Ok(outcome)
}
