//! The queue of one object: what its connections received and the host has not yet taken.
//!
//! The I/O thread hands over a batch a round under one lock. The bounds count messages and their bytes; they are
//! reserved before a message enters a batch ([`Inbox::admit`]) and given back when the host takes it, which resumes
//! the connections that had been paused. Other events do not count.

mod lead;
mod receive;

use self::lead::Pace;
use super::connection::{Connection, Tally};
use super::dispatch::Dispatch;
use super::event::{Body, Event};
use super::request::Pending;
use super::runtime::IoHandle;
use super::sync::lock;
use super::watch::Signal;
use crate::library;
use crate::options::{Opt, Options};
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Errors that are kept for a host that does not take them.
const KEPT_ERRORS: usize = 64;

/// An event and the connection whose credit it holds.
pub struct Entry {
    pub event: Event,
    pub source: Option<Arc<Connection>>,
}

/// What a call wants from the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The next message; other events before it are discarded.
    Message,
    Any,
}

/// What has become of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Pushed {
    Queued,
    /// The handler must be run.
    ForHandler,
    /// This thread has been woken, and would rather run the loop itself.
    ForGuest(usize),
}

/// A waiting call. Each has its own bell, so that exactly the longest waiting one is woken.
struct Waiter {
    want: Want,
    thread: usize,
    bell: Condvar,
}

#[derive(Default)]
pub(in crate::engine) struct State {
    pub(super) queue: VecDeque<Entry>,
    messages: usize,
    errors: usize,
    waiters: VecDeque<Arc<Waiter>>,
    /// For the next call that waits.
    spare_waiter: Option<Arc<Waiter>>,
    pace: Pace,
    /// The loop that a call may run while it waits.
    open_loop: Option<IoHandle>,
    /// What a call wants that runs a loop while it waits, and that loop; it looks at the queue when told to.
    leader: Option<(Want, IoHandle)>,
    /// Counts the ends of waiting; a call that began to wait before the last one ends.
    epoch: u64,
    /// Calls so far that asked for an event.
    receives: u64,
    live: bool,
    cancelled: bool,
    paused: Vec<Arc<Connection>>,
    signals: Vec<Arc<Signal>>,
    pub(super) requests: Vec<Arc<Pending>>,
    pub(super) dispatch: Dispatch,
}

impl State {
    fn satisfies(&self, want: Want) -> bool {
        match want {
            Want::Message => self.messages > 0,
            Want::Any => !self.queue.is_empty(),
        }
    }

    /// Whether nobody who waits longer than `me` could be served now.
    fn is_turn_of(&self, me: Option<&Arc<Waiter>>) -> bool {
        // Who leads found nobody waiting when it began.
        if self.is_for_leader() {
            return false;
        }
        for waiter in &self.waiters {
            if me.is_some_and(|me| Arc::ptr_eq(me, waiter)) {
                return true;
            }
            if self.satisfies(waiter.want) {
                return false;
            }
        }
        true
    }

    fn is_for_leader(&self) -> bool {
        self.leader.as_ref().is_some_and(|(want, _)| self.satisfies(*want))
    }

    fn new_waiter(&mut self, want: Want) -> Arc<Waiter> {
        let mut spare = self.spare_waiter.take();
        let thread = library::this_thread();
        if let Some(waiter) = spare.as_mut().and_then(Arc::get_mut) {
            (waiter.want, waiter.thread) = (want, thread);
        } else {
            spare = None;
        }
        spare.unwrap_or_else(|| Arc::new(Waiter { want, thread, bell: Condvar::new() }))
    }

    /// Who is to be told that something has come.
    fn bells(&self) -> Bells {
        let waiter = self.waiters.iter().find(|waiter| self.satisfies(waiter.want) && !self.is_for_leader()).cloned();
        Bells { waiter, leader: self.leader.as_ref().map(|(_, events)| events.clone()), signals: self.signals.clone() }
    }

    fn wake_all(&self) {
        self.leader.iter().for_each(|(_, events)| events.look());
        self.waiters.iter().for_each(|waiter| waiter.bell.notify_one());
        self.signals.iter().for_each(|signal| signal.ring());
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled
    }
}

/// Rung once the lock is free: who is woken needs it first of all, and waking is a system call.
struct Bells {
    waiter: Option<Arc<Waiter>>,
    leader: Option<IoHandle>,
    signals: Vec<Arc<Signal>>,
}

impl Bells {
    fn ring(self) {
        self.waiter.iter().for_each(|waiter| waiter.bell.notify_one());
        self.leader.iter().for_each(|events| events.look());
        self.signals.iter().for_each(|signal| signal.ring());
    }
}

/// See the module's page.
pub struct Inbox {
    state: Mutex<State>,
    pub(super) dispatched: Condvar,
    /// Since the running batch was taken.
    pub(super) handler_changed: AtomicBool,
    pub(super) has_handler: AtomicBool,
    /// What waits; written under the lock.
    waiting: Tally,
    /// One connection may hold this part of either bound.
    share: usize,
    options: Arc<Options>,
}

impl Inbox {
    pub fn new(options: Arc<Options>, share: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            dispatched: Condvar::new(),
            handler_changed: AtomicBool::new(false),
            has_handler: AtomicBool::new(false),
            waiting: Tally::default(),
            share,
            options,
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Messages and bytes that wait.
    pub fn waiting(&self) -> (usize, usize) {
        self.waiting.get()
    }

    /// Books one message of `connection`, on its I/O thread, which has `pending` messages and bytes for this queue in
    /// its hands; false when the connection must be paused. One that has nothing else waiting may always deliver one.
    pub fn admit(&self, connection: &Connection, size: usize, pending: (usize, usize)) -> bool {
        let room = self.has_room(connection, size, pending);
        if room {
            connection.admitted.add(size);
        }
        room
    }

    fn has_room(&self, connection: &Connection, size: usize, pending: (usize, usize)) -> bool {
        let (own_messages, own_bytes) = connection.inbound();
        if own_messages == 0 {
            return true;
        }
        let max_messages = self.options.size(Opt::ReceiveQueueMessages);
        let max_bytes = self.options.size(Opt::ReceiveQueueBytes);
        let (messages, bytes) = self.waiting();
        messages + pending.0 < max_messages
            && bytes + pending.1 + size <= max_bytes
            // No division: this is asked for each message.
            && (own_messages + 1).saturating_mul(self.share) <= max_messages
            && (own_bytes + size).saturating_mul(self.share) <= max_bytes
    }

    /// Remembers a paused connection; false when room has come in between, so that it must try again.
    pub fn pause(&self, connection: &Arc<Connection>, size: usize, pending: (usize, usize)) -> bool {
        let mut state = self.lock();
        // Under the lock, because the host gives credit back under it.
        if self.has_room(connection, size, pending) {
            return false;
        }
        connection.set_paused(true);
        state.paused.push(connection.clone());
        true
    }

    /// Hands over what came in one round of an I/O thread, in order.
    pub(in crate::engine) fn push(&self, batch: &mut Vec<Entry>) -> Pushed {
        let mut state = self.lock();
        self.take_in(&mut state, batch);
        if state.dispatch.is_set() {
            return if state.queue.is_empty() { Pushed::Queued } else { Pushed::ForHandler };
        }
        let bells = state.bells();
        let guest = state.would_be_guest();
        drop(state);
        bells.ring();
        guest.map_or(Pushed::Queued, Pushed::ForGuest)
    }

    fn take_in(&self, state: &mut State, batch: &mut Vec<Entry>) {
        for entry in batch.drain(..) {
            if self.comes_too_late(state, &entry) {
                continue;
            }
            if !state.requests.is_empty() && self.answers_request(state, &entry) {
                continue;
            }
            self.enqueue(state, entry);
        }
    }

    /// Another thread has told the end of its connection already; gives its credit back.
    fn comes_too_late(&self, state: &mut State, entry: &Entry) -> bool {
        let late = matches!(entry.event.body, Body::Message(_)) && entry.source.as_ref().is_some_and(|c| c.is_over());
        if late {
            self.settle_outside(state, entry);
        }
        late
    }

    fn enqueue(&self, state: &mut State, entry: Entry) {
        match &entry.event.body {
            Body::Message(message) => {
                state.messages += 1;
                self.waiting.add(message.data().len());
            }
            Body::Error(_) => {
                state.errors += 1;
                if state.errors > KEPT_ERRORS {
                    if let Some(at) = state.queue.iter().position(|old| matches!(old.event.body, Body::Error(_))) {
                        state.queue.remove(at);
                    }
                    state.errors -= 1;
                }
            }
            Body::Close(_) if Self::forget(state, &entry) => return,
            Body::Open(_) | Body::Pending(_) | Body::Close(_) | Body::Expired(_) => {}
        }
        state.queue.push_back(entry);
    }

    /// A connection that has come and gone unseen, with no message waiting, leaves nothing behind: drops what the
    /// queue has of it and tells that its `close` is to be dropped, too. Keeps the queue bounded when the host takes
    /// nothing.
    fn forget(state: &mut State, close: &Entry) -> bool {
        let Some(source) = &close.source else { return false };
        let wants = state.waiters.iter().map(|waiter| waiter.want);
        let awaited = wants.chain(state.leader.as_ref().map(|(want, _)| *want)).any(|want| want == Want::Any);
        if source.inbound().0 > 0 || state.dispatch.is_set() || awaited {
            return false;
        }
        // One that the host had to let in has been seen once its `pending` was taken, or more of it.
        let begin = match source.was_pending() {
            true => |body: &Body| matches!(body, Body::Pending(_)),
            false => |body: &Body| matches!(body, Body::Open(_)),
        };
        let is_its = |entry: &Entry| entry.source.as_ref().is_some_and(|other| Arc::ptr_eq(other, source));
        // The youngest stand last.
        let Some(first) = state.queue.iter().rposition(|entry| begin(&entry.event.body) && is_its(entry)) else {
            return false;
        };
        state.queue.remove(first);
        if source.was_pending()
            && let Some(open) = state.queue.iter().rposition(is_its)
        {
            // It was let in all the same.
            state.queue.remove(open);
        }
        true
    }

    /// Keeps the books of an entry that leaves the queue. Called with the lock held.
    fn settle(&self, state: &mut State, entry: &Entry) {
        match &entry.event.body {
            Body::Message(message) => {
                state.messages -= 1;
                self.waiting.sub(message.data().len());
                if let Some(source) = &entry.source {
                    source.taken.add(message.data().len());
                    Self::resume_one(state, source);
                }
            }
            Body::Error(_) => state.errors -= 1,
            Body::Open(_) | Body::Pending(_) | Body::Close(_) | Body::Expired(_) => {}
        }
        if !state.paused.is_empty() {
            self.resume(state);
        }
    }

    /// With nothing of its own waiting a connection may deliver, however much the others have waiting.
    fn resume_one(state: &mut State, source: &Arc<Connection>) {
        if source.is_paused() && source.inbound().0 == 0 {
            state.paused.retain(|connection| !Arc::ptr_eq(connection, source));
            source.set_paused(false);
            source.resume();
        }
    }

    /// Gives credit back to an entry that never entered the queue.
    pub(super) fn settle_outside(&self, state: &mut State, entry: &Entry) {
        if let (Body::Message(message), Some(source)) = (&entry.event.body, &entry.source) {
            source.taken.add(message.data().len());
            Self::resume_one(state, source);
        }
        if !state.paused.is_empty() {
            self.resume(state);
        }
    }

    /// Wakes the paused connections once both the whole and their own part are below half.
    fn resume(&self, state: &mut State) {
        let max_messages = self.options.size(Opt::ReceiveQueueMessages);
        let max_bytes = self.options.size(Opt::ReceiveQueueBytes);
        let (messages, bytes) = self.waiting();
        if messages > max_messages / 2 || bytes > max_bytes / 2 {
            return;
        }
        let share = self.share;
        state.paused.retain(|connection| {
            let (own_messages, own_bytes) = connection.inbound();
            let still = own_messages > max_messages / share / 2 || own_bytes > max_bytes / share / 2;
            if !still {
                connection.set_paused(false);
                connection.resume();
            }
            still
        });
    }

    /// Queues an event of a connection's life. On the I/O thread, after what came before it was handed over.
    pub fn put(&self, source: Option<&Arc<Connection>>, body: Body) {
        if self.add(source, body) {
            self.dispatch();
        }
    }

    /// The same without running a handler, for a caller that holds a lock; tells whether [`Inbox::dispatch`] must follow.
    #[must_use]
    pub fn add(&self, source: Option<&Arc<Connection>>, body: Body) -> bool {
        let connection = source.map_or(0, |connection| connection.id());
        let entry = Entry { event: Event { connection, body }, source: source.cloned() };
        self.push(&mut vec![entry]) == Pushed::ForHandler
    }

    /// A bound was changed: paused connections try again.
    pub fn bounds_changed(&self) {
        let paused = std::mem::take(&mut self.lock().paused);
        for connection in paused {
            connection.set_paused(false);
            connection.resume();
        }
    }
}
