//! Events to a handler on the I/O thread instead of the queue.

use super::handler::{Handler, HandlerFunction};
use super::state::{Inbox, State};
use crate::engine::connection::Connection;
use crate::engine::shared::{Body, Event, io_thread, is_borrower, on_io_thread};
use crate::error::{Error, Id, Result};
use crate::ws::MessageKind;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, MutexGuard, PoisonError};

impl Inbox {
    /// Queues an event of a connection's life. On the I/O thread, after what came before it was handed over.
    pub fn put(&self, source: Option<&Arc<Connection>>, body: Body) {
        if self.add(source, body) {
            self.dispatch();
        }
    }

    /// Sets or removes the handler. When removing returns, the old one is never called again; from inside itself, that
    /// call is its last. True when what is queued must now be dispatched on an I/O thread.
    pub fn set_handler(&self, handler: Option<Handler>) -> Result<bool> {
        let handler = handler.map(Arc::new);
        let set = handler.is_some();
        let mut state = self.lock();
        let inside = on_io_thread() && state.dispatch.running == Some(io_thread());
        let elsewhere = state.dispatch.running.is_some() && !inside;
        if elsewhere && on_io_thread() {
            // Two objects' handlers that wait for each other would never end.
            return Err(Error::new(Id::WouldDeadlock, ["set_handler".into()]));
        }
        // Before the old one is called again: it must not be.
        self.handler_changed.store(true, SeqCst);
        self.has_handler.store(set, Relaxed);
        let old = std::mem::replace(&mut state.dispatch.handler, handler);
        // That run, not a moment without any: the next may follow at once.
        let ended = state.dispatch.ended;
        while elsewhere && state.dispatch.ended == ended {
            state.dispatch.waiting += 1;
            state = self.dispatched.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.dispatch.waiting -= 1;
        }
        drop(state);
        drop(old);
        if set {
            // From now on they get HANDLER_SET.
            self.wake_receivers();
        }
        Ok(set)
    }

    /// Takes the handler away without waiting for a run that is under way on another thread. That run's thread is the last
    /// to have it.
    pub fn drop_handler(&self) {
        let mut state = self.lock();
        self.handler_changed.store(true, SeqCst);
        self.has_handler.store(false, Relaxed);
        let old = state.dispatch.handler.take();
        drop(state);
        drop(old);
    }

    /// Runs the handler for everything queued. Events of one object never overlap: while one I/O thread runs the
    /// handler, another leaves its events to it. They are taken in batches, under one lock each. A borrower of the loop
    /// leaves them to the I/O thread, which has been told that there is a handler now.
    pub fn dispatch(&self) {
        if is_borrower() {
            return;
        }
        let mut state = self.lock();
        if state.dispatch.running.is_some() {
            return;
        }
        let mut batch = std::mem::take(&mut state.dispatch.batch);
        while let Some(handler) = state.dispatch.handler.clone() {
            let clears = state.clears;
            self.take_batch(&mut state, &mut batch);
            if batch.is_empty() {
                break;
            }
            state.dispatch.running = Some(io_thread());
            self.clear_yield();
            drop(state);
            while let Some(event) = batch.pop_front(|_, _| {}) {
                handler.call(|function| function.event(event));
                if self.handler_changed.load(SeqCst) {
                    break;
                }
            }
            drop(handler);
            state = self.lock();
            self.return_batch(&mut state, &mut batch, clears);
            self.run_ended(&mut state);
        }
        state.dispatch.batch = batch;
        self.stop_running(state);
    }

    fn stop_running(&self, mut state: MutexGuard<'_, State>) {
        state.dispatch.running = None;
        self.run_ended(&mut state);
    }

    fn run_ended(&self, state: &mut State) {
        state.dispatch.ended += 1;
        if state.dispatch.waiting > 0 {
            self.dispatched.notify_all();
        }
    }

    /// A run begins. Called under the lock, as what ends it is.
    fn clear_yield(&self) {
        for flag in [&self.handler_changed, &self.yield_requested] {
            // Hardly ever set, and a sequentially consistent store is expensive.
            if flag.load(SeqCst) {
                flag.store(false, SeqCst);
            }
        }
    }

    /// Gives the handler to the I/O thread for what one read brought, past the queue; `None` when there is none, when
    /// it runs elsewhere, or when something waits that comes first.
    pub(in crate::engine) fn begin_run(self: &Arc<Self>) -> Option<HandlerGuard> {
        if !self.has_handler.load(Relaxed) || is_borrower() {
            return None;
        }
        let mut state = self.lock();
        if state.dispatch.running.is_some() || !state.queue.is_empty() || !state.requests.is_empty() {
            return None;
        }
        let handler = state.dispatch.handler.clone()?;
        state.dispatch.running = Some(io_thread());
        self.clear_yield();
        drop(state);
        Some(HandlerGuard { inbox: self.clone(), handler })
    }
}

/// The exclusive right to call the handler, for what one read or several brought. Events from other threads wait until
/// it is dropped.
pub struct HandlerGuard {
    inbox: Arc<Inbox>,
    handler: Arc<Handler>,
}

impl HandlerGuard {
    pub fn object(&self) -> u64 {
        self.handler.object
    }

    /// Whether another thread waits for its end.
    pub fn must_yield(&self) -> bool {
        self.inbox.handler_changed.load(SeqCst) || self.inbox.yield_requested.load(SeqCst)
    }

    /// Whether it may go on with another read's messages for that object.
    pub fn may_continue(&self, inbox: &Arc<Inbox>) -> bool {
        !self.must_yield() && Arc::ptr_eq(&self.inbox, inbox)
    }

    /// Calls the handler; false when it must not be called again.
    pub fn event(&self, event: Event) -> bool {
        self.call(|function| function.event(event))
    }

    /// The same with a message where it lies.
    pub fn message(&self, connection: u64, kind: MessageKind, data: &[u8]) -> bool {
        self.call(|function| function.message(connection, kind, data))
    }

    fn call(&self, call: impl FnOnce(&dyn HandlerFunction)) -> bool {
        self.handler.call(call);
        !self.inbox.handler_changed.load(SeqCst)
    }
}

impl Drop for HandlerGuard {
    fn drop(&mut self) {
        let state = self.inbox.lock();
        let more = state.queue.has_free();
        self.inbox.stop_running(state);
        if more {
            self.inbox.dispatch();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::connection::{Connection, IoHandle};
    use crate::engine::shared::Body;
    use crate::options::{Options, Side};
    use std::sync::Mutex;

    #[derive(Default)]
    struct Names(Arc<Mutex<Vec<String>>>);

    impl HandlerFunction for Names {
        fn event(&self, event: Event) {
            let Body::Expired(name) = event.body else { panic!("{event:?}") };
            self.0.lock().unwrap().push(name);
        }

        fn message(&self, _: u64, _: MessageKind, data: &[u8]) {
            self.0.lock().unwrap().push(String::from_utf8_lossy(data).into_owned());
        }
    }

    fn with_handler() -> (Arc<Inbox>, Arc<Mutex<Vec<String>>>) {
        let inbox = Inbox::new(Arc::new(Options::new(Side::Server)), 1);
        let names = Names::default();
        let seen = names.0.clone();
        inbox.set_handler(Some(Handler { object: 1, function: Box::new(names) })).unwrap();
        (inbox, seen)
    }

    #[test]
    fn a_run_goes_on_until_somebody_else_wants_something() {
        let (inbox, seen) = with_handler();
        let (other, _) = with_handler();
        let run = inbox.begin_run().unwrap();
        assert!(inbox.begin_run().is_none(), "it runs already");
        assert!(run.message(1, MessageKind::Text, b"first"));
        assert!(run.may_continue(&inbox) && !run.may_continue(&other));
        assert!(inbox.add(None, Body::Expired("another thread's".into())));
        assert!(!run.may_continue(&inbox), "an event waits");
        assert!(run.message(1, MessageKind::Text, b"of the same read"));
        drop(run);
        assert_eq!(*seen.lock().unwrap(), ["first", "of the same read", "another thread's"]);

        let run = inbox.begin_run().unwrap();
        assert!(run.may_continue(&inbox));
        let connection = Connection::new(IoHandle::without_thread());
        let asked = inbox.expect(&connection, inbox.life(), ("id", "1"), Box::new(|| {})).unwrap();
        assert!(!run.may_continue(&inbox), "a reply must not go to the handler");
        drop(run);
        assert!(inbox.begin_run().is_none());
        drop(asked);

        let mut next = inbox.begin_run();
        for function in [Some(Names::default()), None] {
            let last = function.is_none();
            let handler = function.map(|names| Handler { object: 1, function: Box::new(names) });
            let run = next.take().unwrap();
            assert!(run.may_continue(&inbox));
            std::thread::scope(|scope| {
                let change = scope.spawn(|| inbox.set_handler(handler).unwrap());
                while run.may_continue(&inbox) {
                    std::thread::yield_now();
                }
                assert!(!run.message(1, MessageKind::Text, b"last"), "it is the last call");
                assert!(!change.is_finished(), "the old handler still runs");
                drop(run);
                // A call that waits for the end of this run does not wait for that of the next, which begins at once.
                next = inbox.begin_run();
                assert_eq!(next.is_none(), last);
                assert_eq!(change.join().unwrap(), !last);
            });
        }
    }
}
