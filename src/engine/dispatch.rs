//! Events to a handler on the I/O thread instead of the queue.

use super::Handler;
use super::queue::{Entry, Inbox};
use super::runtime;
use crate::error::{Error, Id, Result};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, PoisonError};
use std::thread::ThreadId;

/// Whether an object has a handler, and whether it runs just now.
#[derive(Default)]
pub(super) struct Dispatch {
    handler: Option<Arc<Handler>>,
    running: Option<ThreadId>,
    /// Kept empty, for its memory.
    batch: VecDeque<Entry>,
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
        if let Some(running) = state.dispatch.running {
            let own = runtime::on_io_thread() && std::thread::current().id() == running;
            if !own && runtime::on_io_thread() {
                // Two objects' handlers that wait for each other would never end.
                return Err(Error::new(Id::WouldDeadlock, ["set_handler".into()]));
            }
            let old = std::mem::replace(&mut state.dispatch.handler, handler);
            while !own && state.dispatch.running.is_some() {
                state = self.dispatched.wait(state).unwrap_or_else(PoisonError::into_inner);
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
    /// another leaves its events to it. They are taken in batches, under one lock each.
    pub fn dispatch(&self) {
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
            state.dispatch.running = Some(std::thread::current().id());
            self.handler_changed.store(false, SeqCst);
            drop(state);
            while let Some(entry) = batch.pop_front() {
                // A panic of the handler must neither end the thread nor leave the queue in its hands.
                let _ = catch_unwind(AssertUnwindSafe(|| handler(entry.event)));
                if self.handler_changed.load(SeqCst) {
                    break;
                }
            }
            drop(handler);
            state = self.lock();
            self.return_batch(&mut state, &mut batch);
        }
        state.dispatch.batch = batch;
        state.dispatch.running = None;
        drop(state);
        self.dispatched.notify_all();
    }
}
