//! The bounds of a queue: what counts in them, and which connections pause because of them.

use super::state::{Credit, Inbox, State};
use crate::engine::connection::Connection;
use crate::engine::shared::Body;
use crate::error::Id;
use crate::options::Opt;
use crate::ws::Message;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Events whose places are looked for ahead, once so many are there; about 100 KiB. The first ones take what there is.
const AHEAD: usize = 2048;
/// The most messages that one I/O thread has in its hands: what was looked for has places for those of eight threads at
/// the same moment.
pub(in crate::engine) const LOT: usize = AHEAD / 8;

impl Inbox {
    /// Charges one message of `connection`, on its I/O thread, which has `pending` messages and bytes for this queue in
    /// its batch; false when the connection must be paused. A connection that has nothing else waiting may always
    /// deliver one.
    pub fn admit(&self, connection: &Connection, size: usize, pending: (usize, usize)) -> bool {
        let room = self.has_room(connection, size, pending);
        if room {
            connection.admitted.add(size);
        }
        room
    }

    fn has_room(&self, connection: &Connection, size: usize, pending: (usize, usize)) -> bool {
        let (own_messages, own_bytes) = connection.inbound();
        let ceiling = self.ceiling.load(Relaxed);
        if own_messages == 0 && ceiling == usize::MAX {
            return true;
        }
        let (messages, bytes) = self.waiting();
        if own_messages == 0 || messages + pending.0 >= ceiling {
            return messages + pending.0 < ceiling;
        }
        let max_messages = self.options.size(Opt::ReceiveQueueMessages);
        let max_bytes = self.options.size(Opt::ReceiveQueueBytes);
        messages + pending.0 < max_messages
            && bytes + pending.1 + size <= max_bytes
            // No division: this is asked for each message.
            && (own_messages + 1).saturating_mul(self.share) <= max_messages
            && (own_bytes + size).saturating_mul(self.share) <= max_bytes
    }

    /// Remembers a paused connection; false when room has come in between, so that it must try again. Its thread has
    /// handed over all that it had. Calls that wait for a message of it fail: the thread that could make room may be
    /// inside such a call.
    pub fn pause(&self, connection: &Arc<Connection>, size: usize) -> bool {
        let mut state = self.lock();
        // Under the lock, because the host gives credit back under it.
        if self.has_room(connection, size, (0, 0)) {
            return false;
        }
        connection.set_paused(true);
        state.credit.paused.push(connection.clone());
        state.end_requests_of(connection, Id::ReadingPaused);
        drop(state);
        connection.end_waits_for_input();
        true
    }

    /// Looks for memory for what may come next. Without any the queue counts as full until the host has taken half of
    /// it: the places of what has been admitted must not be asked of a system that may have none.
    pub(super) fn look_ahead(&self, state: &mut State) {
        if state.queue.len() >= AHEAD && !state.queue.try_reserve(AHEAD) {
            self.ceiling.fetch_min(state.credit.messages, Relaxed);
        }
    }

    /// An event enters the queue. Called with the lock held, as all that takes the credit.
    pub(super) fn charge(&self, credit: &mut Credit, body: &Body) {
        match body {
            Body::Message(message) => {
                credit.messages += 1;
                self.waiting.add(message.data().len());
            }
            Body::Error(_) => credit.errors += 1,
            Body::Open(_) | Body::Pending(_) | Body::Close(_) | Body::Expired(_) => {}
        }
    }

    /// An event leaves the queue.
    pub(super) fn release(&self, credit: &mut Credit, body: &Body, source: Option<&Arc<Connection>>) {
        match body {
            Body::Message(message) => {
                credit.messages -= 1;
                self.waiting.sub(message.data().len());
                self.return_credit(credit, message, source);
                return;
            }
            Body::Error(_) => credit.errors -= 1,
            Body::Open(_) | Body::Pending(_) | Body::Close(_) | Body::Expired(_) => {}
        }
        self.resume_all(credit);
    }

    /// Returns the credit of a message that has left the queue, or never entered it.
    pub(in crate::engine) fn return_credit(
        &self,
        credit: &mut Credit,
        message: &Message,
        source: Option<&Arc<Connection>>,
    ) {
        if let Some(source) = source {
            source.taken.add(message.data().len());
            Self::resume_one(credit, source);
        }
        self.resume_all(credit);
    }

    /// With nothing of its own waiting a connection may deliver, however much the others have waiting.
    fn resume_one(credit: &mut Credit, source: &Arc<Connection>) {
        if source.is_paused() && source.inbound().0 == 0 {
            credit.paused.retain(|connection| !Arc::ptr_eq(connection, source));
            source.set_paused(false);
            source.resume();
        }
    }

    /// Wakes the paused connections once both the whole and their own part are below half.
    fn resume_all(&self, credit: &mut Credit) {
        let ceiling = self.ceiling.load(Relaxed);
        if ceiling != usize::MAX {
            if credit.messages > ceiling / 2 {
                return;
            }
            self.ceiling.store(usize::MAX, Relaxed);
        }
        if credit.paused.is_empty() {
            return;
        }
        let max_messages = self.options.size(Opt::ReceiveQueueMessages);
        let max_bytes = self.options.size(Opt::ReceiveQueueBytes);
        let (messages, bytes) = self.waiting();
        if messages > max_messages / 2 || bytes > max_bytes / 2 {
            return;
        }
        let share = self.share;
        credit.paused.retain(|connection| {
            let (own_messages, own_bytes) = connection.inbound();
            let still = own_messages > max_messages / share / 2 || own_bytes > max_bytes / share / 2;
            if !still {
                connection.set_paused(false);
                connection.resume();
            }
            still
        });
    }

    /// A bound was changed: paused connections try again.
    pub fn bounds_changed(&self) {
        let paused = std::mem::take(&mut self.lock().credit.paused);
        for connection in paused {
            connection.set_paused(false);
            connection.resume();
        }
    }
}
