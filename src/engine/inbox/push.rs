//! What has come enters the queue.

use super::entries::Entries;
use super::reply::Examiner;
use super::state::{Inbox, State};
use super::waiters::Pushed;
use crate::engine::connection::Connection;
use crate::engine::shared::{Body, Event};
use std::sync::{Arc, MutexGuard};

/// Errors that are kept for a host that does not take them.
const KEPT_ERRORS: usize = 64;

impl Inbox {
    /// Hands over what came in one round of an I/O thread, in order: messages, of so many bytes.
    pub(in crate::engine) fn push(&self, messages: &mut Entries, bytes: usize) -> Pushed {
        let mut state = self.lock();
        if !messages.sources().any(Connection::is_over) {
            // Nothing to look at one by one.
            let count = messages.len();
            state.credit.messages += count;
            self.waiting.add_all(count, bytes);
            let placed = state.queue.append(messages);
            state.came(placed, placed);
        } else {
            messages.drain(|event, source| self.take_in(&mut state, event, source));
        }
        self.look_ahead(&mut state);
        self.pushed(state)
    }

    /// Reports what has become of what was taken in, and wakes the calls that wait for it.
    fn pushed(&self, state: MutexGuard<'_, State>) -> Pushed {
        if state.dispatch.is_set() {
            let (examiner, free) = (state.examiner(), state.queue.has_free());
            if free {
                self.request_yield();
            }
            drop(state);
            examiner.into_iter().for_each(Examiner::notify);
            return if free { Pushed::ForHandler } else { Pushed::Queued };
        }
        let wakeups = state.wakeups();
        let borrower = state.next_borrower();
        drop(state);
        wakeups.send();
        borrower.map_or(Pushed::Queued, Pushed::ForBorrower)
    }

    fn take_in(&self, state: &mut State, event: Event, source: Option<&Arc<Connection>>) {
        if !self.comes_too_late(state, &event, source) {
            self.enqueue(state, event, source);
        }
    }

    /// Another thread has reported the end of its connection already; returns its credit.
    fn comes_too_late(&self, state: &mut State, event: &Event, source: Option<&Arc<Connection>>) -> bool {
        let Body::Message(message) = &event.body else { return false };
        let late = source.is_some_and(|connection| connection.is_over());
        if late {
            self.return_credit(&mut state.credit, message, source);
        }
        late
    }

    fn enqueue(&self, state: &mut State, event: Event, source: Option<&Arc<Connection>>) {
        if let (Body::Close(_), Some(source)) = (&event.body, source)
            && Self::coalesce(state, source)
        {
            return state.refilled();
        }
        if let (Body::Drained, Some(source)) = (&event.body, source)
            && (source.is_over() || source.set_drained(true))
        {
            // One at a time, and none behind the end.
            return;
        }
        self.charge(&mut state.credit, &event.body);
        if state.credit.errors > KEPT_ERRORS {
            state.queue.remove_first(|body| matches!(body, Body::Error(_)));
            state.credit.errors -= 1;
            state.refilled();
        }
        let messages = usize::from(event.message().is_some());
        if state.queue.push_back(event, source) {
            state.came(1, messages);
        }
    }

    /// A connection that has come and gone unseen, with no message waiting, leaves nothing behind: drops what the
    /// queue has of it and tells that its `close` is to be dropped, too. Keeps the queue bounded when the host takes
    /// nothing.
    fn coalesce(state: &mut State, source: &Arc<Connection>) -> bool {
        if source.inbound().0 > 0 || state.dispatch.is_set() || state.awaits_any() {
            return false;
        }
        if source.set_drained(false) {
            state.queue.remove_last_of(source, |body| matches!(body, Body::Drained));
        }
        // One that the host had to let in has been seen once its `pending` was taken, or more of it.
        if !source.was_pending() {
            return state.queue.remove_last_of(source, |body| matches!(body, Body::Open(_)));
        }
        let unseen = state.queue.remove_last_of(source, |body| matches!(body, Body::Pending(_)));
        if unseen {
            // It may have been let in all the same.
            state.queue.remove_last_of(source, |_| true);
        }
        unseen
    }

    /// Queues an event of a connection's life without running a handler, for a caller that holds a lock; tells whether [`Inbox::dispatch`] must follow.
    #[must_use]
    pub fn add(&self, source: Option<&Arc<Connection>>, body: Body) -> bool {
        let connection = source.map_or(0, |connection| connection.id());
        let mut state = self.lock();
        self.take_in(&mut state, Event { connection, body }, source);
        self.pushed(state) == Pushed::ForHandler
    }
}
