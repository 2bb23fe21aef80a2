//! Events to a handler on the I/O thread instead of the queue.

use super::Handler;
use super::queue::Inbox;
use super::runtime;
use crate::error::{Error, Id, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread::ThreadId;

/// Whether an object has a handler, and whether it runs just now.
#[derive(Default)]
pub(super) struct Dispatch {
    handler: Option<Arc<Handler>>,
    running: Option<ThreadId>,
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
    /// another leaves its events to it.
    pub fn dispatch(&self) {
        let mut state = self.lock();
        if state.dispatch.running.is_some() {
            return;
        }
        while let Some(handler) = state.dispatch.handler.clone() {
            let Some(event) = self.pop_entry(&mut state) else { break };
            state.dispatch.running = Some(std::thread::current().id());
            drop(state);
            // A panic of the handler must neither end the thread nor leave the queue in its hands.
            let _ = catch_unwind(AssertUnwindSafe(|| handler(&event)));
            drop((handler, event));
            state = self.lock();
        }
        state.dispatch.running = None;
        drop(state);
        self.dispatched.notify_all();
    }
}
