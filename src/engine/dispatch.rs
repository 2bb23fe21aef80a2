//! Events to a handler on the I/O thread instead of the queue.

use super::event::Given;
use super::queue::{Entries, Inbox, State};
use super::runtime;
use crate::error::{Error, Id, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, MutexGuard, PoisonError};

/// Takes an object's events on the I/O thread.
pub struct Handler {
    /// What the face calls the object, for [`super::answer`].
    pub object: u64,
    pub on_event: Box<dyn Fn(Given<'_>) + Send + Sync>,
}

impl Handler {
    /// A panic of the handler must neither end the thread nor leave the queue in its hands.
    fn call(&self, given: Given<'_>) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.on_event)(given)));
    }
}

/// Whether an object has a handler, and whether it runs just now.
#[derive(Default)]
pub(super) struct Dispatch {
    handler: Option<Arc<Handler>>,
    running: Option<u64>,
    /// Calls that wait until it has run.
    waiting: usize,
    /// Kept empty, for its memory.
    batch: Entries,
}

impl Dispatch {
    pub(super) fn is_set(&self) -> bool {
        self.handler.is_some()
    }
}

impl Inbox {
    /// Sets or removes the handler. When removing returns, the old one is never called again; from inside itself, that
    /// call is its last. True when what is queued must now be dispatched on an I/O thread.
    pub fn set_handler(&self, handler: Option<Handler>) -> Result<bool> {
        let handler = handler.map(Arc::new);
        let set = handler.is_some();
        let mut state = self.lock();
        // Before the old one is called again: it must not be.
        self.handler_changed.store(true, SeqCst);
        self.has_handler.store(set, Relaxed);
        if let Some(running) = state.dispatch.running {
            let own = runtime::on_io_thread() && runtime::io_thread() == running;
            if !own && runtime::on_io_thread() {
                // Two objects' handlers that wait for each other would never end.
                return Err(Error::new(Id::WouldDeadlock, ["set_handler".into()]));
            }
            let old = std::mem::replace(&mut state.dispatch.handler, handler);
            while !own && state.dispatch.running.is_some() {
                state.dispatch.waiting += 1;
                state = self.dispatched.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.dispatch.waiting -= 1;
            }
            drop(state);
            drop(old);
        } else {
            let old = std::mem::replace(&mut state.dispatch.handler, handler);
            drop(state);
            drop(old);
        }
        if set {
            // From now on they get HANDLER_SET.
            self.wake_receivers();
        }
        Ok(set)
    }

    /// Runs the handler for everything queued. Events of one object never overlap: while one I/O thread is inside,
    /// another leaves its events to it. They are taken in batches, under one lock each. A guest of the loop leaves them to
    /// the thread, which has been told that there is a handler now.
    pub fn dispatch(&self) {
        if runtime::is_guest() {
            return;
        }
        let mut state = self.lock();
        if state.dispatch.running.is_some() {
            return;
        }
        let mut batch = std::mem::take(&mut state.dispatch.batch);
        while let Some(handler) = state.dispatch.handler.clone() {
            self.take_batch(&mut state, &mut batch);
            if batch.is_empty() {
                break;
            }
            state.dispatch.running = Some(runtime::io_thread());
            self.handler_changed.store(false, SeqCst);
            drop(state);
            while let Some(event) = batch.pop_front(|_, _| {}) {
                handler.call(Given::Event(event));
                if self.handler_changed.load(SeqCst) {
                    break;
                }
            }
            drop(handler);
            state = self.lock();
            self.return_batch(&mut state, &mut batch);
        }
        state.dispatch.batch = batch;
        self.stop_running(state);
    }

    fn stop_running(&self, mut state: MutexGuard<'_, State>) {
        state.dispatch.running = None;
        let awaited = state.dispatch.waiting > 0;
        drop(state);
        if awaited {
            self.dispatched.notify_all();
        }
    }

    /// Gives the handler to the I/O thread for what one read brought, past the queue; `None` when there is none, when
    /// it runs elsewhere, or when something waits that comes first.
    pub(super) fn begin_run(self: &Arc<Self>) -> Option<Run> {
        if !self.has_handler.load(Relaxed) || runtime::is_guest() {
            return None;
        }
        let mut state = self.lock();
        if state.dispatch.running.is_some() || !state.queue.is_empty() || !state.requests.is_empty() {
            return None;
        }
        let handler = state.dispatch.handler.clone()?;
        state.dispatch.running = Some(runtime::io_thread());
        self.handler_changed.store(false, SeqCst);
        drop(state);
        Some(Run { inbox: self.clone(), handler })
    }
}

/// The handler, for what one read brought. Events that others bring meanwhile wait until it is dropped.
pub(super) struct Run {
    inbox: Arc<Inbox>,
    handler: Arc<Handler>,
}

impl Run {
    pub fn object(&self) -> u64 {
        self.handler.object
    }

    /// Calls the handler; false when it must not be called again.
    pub fn give(&self, given: Given<'_>) -> bool {
        self.handler.call(given);
        !self.inbox.handler_changed.load(SeqCst)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let state = self.inbox.lock();
        let more = !state.queue.is_empty();
        self.inbox.stop_running(state);
        if more {
            self.inbox.dispatch();
        }
    }
}
