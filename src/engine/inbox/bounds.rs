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
/// The most messages that one I/O thread has in its hands: no more are admitted after the queue has found no places, and
/// have to be set aside there ([`super::entries`]).
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
            && own_messages < self.own_messages.load(Relaxed)
            && own_bytes + size <= self.own_bytes.load(Relaxed)
    }

    /// What one connection may have waiting: its bounds, where it has such, and no more than its share of the whole.
    pub(super) fn set_own_bounds(&self) {
        let own = |whole: Opt, one: Opt| {
            let share = self.options.size(whole) / self.share;
            let bound = if self.options.has(one) { self.options.size(one) } else { usize::MAX };
            share.min(bound)
        };
        self.own_messages.store(own(Opt::ReceiveQueueMessages, Opt::ConnectionQueueMessages), Relaxed);
        self.own_bytes.store(own(Opt::ReceiveQueueBytes, Opt::ConnectionQueueBytes), Relaxed);
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
        state.credit.paused.insert(connection.serial, connection.clone());
        // Room in its own part is looked for with each message of its own, and among all when the whole has room again.
        state.credit.await_whole |= !self.is_low(&state.credit);
        state.end_requests_of(connection, Id::ReadingPaused);
        drop(state);
        connection.end_waits_for_input();
        true
    }

    /// Looks for memory for what may come next. Without any the queue counts as full until the host has taken half of
    /// it: so what has been admitted and finds no place is no more than the I/O threads have in their hands.
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
            Body::Open(_) | Body::Pending(_) | Body::Close(_) | Body::Expired(_) | Body::Drained => {}
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
            Body::Drained => source.iter().for_each(|source| _ = source.set_drained(false)),
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
            self.resume_one(credit, source);
        }
        self.resume_all(credit);
    }

    /// With nothing of its own waiting a connection may deliver, however much the others have waiting; with less than
    /// half of its part as soon as the whole has room.
    fn resume_one(&self, credit: &mut Credit, source: &Arc<Connection>) {
        if !source.is_paused() {
            return;
        }
        let low = self.is_low(credit);
        credit.await_whole |= !low;
        if source.inbound().0 == 0 || low && self.is_own_low(source) {
            credit.paused.remove(&source.serial);
            source.set_paused(false);
            source.resume();
        }
    }

    /// Whether less than half of the whole is taken.
    fn is_low(&self, credit: &Credit) -> bool {
        let ceiling = self.ceiling.load(Relaxed);
        let (messages, bytes) = self.waiting();
        let max_messages = self.options.size(Opt::ReceiveQueueMessages);
        let max_bytes = self.options.size(Opt::ReceiveQueueBytes);
        (ceiling == usize::MAX || credit.messages <= ceiling / 2)
            && messages <= max_messages / 2
            && bytes <= max_bytes / 2
    }

    /// Whether less than half of a connection's own part is taken.
    fn is_own_low(&self, connection: &Connection) -> bool {
        let (messages, bytes) = connection.inbound();
        messages <= self.own_messages.load(Relaxed) / 2 && bytes <= self.own_bytes.load(Relaxed) / 2
    }

    /// Wakes the paused connections once both the whole and their own part are below half. Those that only their own
    /// part keeps back are looked at once, and then with each message of theirs: there may be many of them.
    fn resume_all(&self, credit: &mut Credit) {
        let ceiling = self.ceiling.load(Relaxed);
        if ceiling != usize::MAX {
            if credit.messages > ceiling / 2 {
                return;
            }
            self.ceiling.store(usize::MAX, Relaxed);
        }
        if credit.paused.is_empty() || !credit.await_whole || !self.is_low(credit) {
            return;
        }
        credit.await_whole = false;
        credit.paused.retain(|_, connection| {
            let still = !self.is_own_low(connection);
            if !still {
                connection.set_paused(false);
                connection.resume();
            }
            still
        });
    }

    /// A bound was changed: paused connections try again.
    pub fn bounds_changed(&self) {
        self.set_own_bounds();
        let paused = std::mem::take(&mut self.lock().credit.paused);
        for connection in paused.into_values() {
            connection.set_paused(false);
            connection.resume();
        }
    }
}
