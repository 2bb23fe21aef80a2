//! The queue of one object: what its connections received and the host has not yet taken.
//!
//! The I/O thread hands over a batch a round under one lock. The bounds count messages and their bytes; they are
//! reserved before a message enters a batch ([`Inbox::admit`]) and given back when the host takes it, which resumes
//! the connections that had been paused. Other events do not count.
//!
//! A `Request` takes its reply out of the middle; how that goes on without this lock stands in [`request`].

use super::bounds::Books;
use super::dispatch::Dispatch;
use super::entries::Entries;
use super::guest::Pace;
use super::request::{Examiner, Requests};
use super::watch::Signal;
use crate::engine::connection::{Connection, IoHandle};
use crate::engine::shared::{Body, Event, Tally, lock};
use crate::library;
use crate::options::Options;
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Errors that are kept for a host that does not take them.
pub(super) const KEPT_ERRORS: usize = 64;

/// What a call wants from the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The next message; other events before it are discarded.
    Message,
    Any,
}

/// What has become of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    Queued,
    /// The handler must be run.
    ForHandler,
    /// This thread has been woken, and would rather run the loop itself.
    ForGuest(usize),
}

/// A waiting call. Each has its own bell, so that exactly the longest waiting one is woken.
pub(super) struct Waiter {
    pub(super) want: Want,
    pub(super) thread: usize,
    pub(super) bell: Condvar,
}

#[derive(Default)]
pub(in crate::engine) struct State {
    pub(super) queue: Entries,
    pub(super) books: Books,
    pub(super) waiters: VecDeque<Arc<Waiter>>,
    /// For the next call that waits.
    pub(super) spare_waiter: Option<Arc<Waiter>>,
    pub(super) pace: Pace,
    /// The loop that a call may run while it waits.
    pub(super) open_loop: Option<IoHandle>,
    /// What a call wants that runs a loop while it waits, and that loop; it looks at the queue when told to.
    pub(super) leader: Option<(Want, IoHandle)>,
    /// Counts the ends of waiting; a call that began to wait before the last one ends.
    pub(super) epoch: u64,
    /// Calls so far that asked for an event.
    pub(super) receives: u64,
    pub(super) live: bool,
    pub(super) cancelled: bool,
    pub(super) signals: Vec<Arc<Signal>>,
    pub(super) requests: Requests,
    pub(super) dispatch: Dispatch,
}

impl State {
    pub(super) fn satisfies(&self, want: Want) -> bool {
        match want {
            Want::Message => self.messages() > 0,
            Want::Any => self.queue.has_free(),
        }
    }

    /// Messages that a call could take now.
    pub(super) fn messages(&self) -> usize {
        self.books.messages - self.queue.held_messages()
    }

    /// Whether nothing more comes; what is held may still turn out to be anybody's.
    pub(super) fn is_over(&self) -> bool {
        !self.live && self.queue.held_messages() == 0
    }

    /// Whether a call that takes anything would return at once.
    pub(super) fn is_ready(&self) -> bool {
        self.queue.has_free() || self.is_over() || self.cancelled
    }

    /// Whether nobody who waits longer than `me` could be served now.
    pub(super) fn is_turn_of(&self, me: Option<&Arc<Waiter>>) -> bool {
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

    /// Whether a call waits that takes anything.
    pub(super) fn awaits_any(&self) -> bool {
        let wants = self.waiters.iter().map(|waiter| waiter.want);
        wants.chain(self.leader.as_ref().map(|(want, _)| *want)).any(|want| want == Want::Any)
    }

    pub(super) fn is_for_leader(&self) -> bool {
        self.leader.as_ref().is_some_and(|(want, _)| self.satisfies(*want))
    }

    pub(super) fn new_waiter(&mut self, want: Want) -> Arc<Waiter> {
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
    pub(super) fn bells(&self) -> Bells {
        let waiter = self.waiters.iter().find(|waiter| self.satisfies(waiter.want) && !self.is_for_leader()).cloned();
        let leader = self.leader.as_ref().map(|(_, events)| events.clone());
        let signals = if self.is_ready() { self.signals.clone() } else { Vec::new() };
        Bells { waiter, leader, signals, examiner: self.examiner() }
    }

    pub(super) fn wake_all(&self) {
        self.leader.iter().for_each(|(_, events)| events.look());
        self.waiters.iter().for_each(|waiter| waiter.bell.notify_one());
        self.signals.iter().for_each(|signal| signal.ring());
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled
    }
}

/// Rung once the lock is free: who is woken needs it first of all, and waking is a system call.
pub(super) struct Bells {
    pub(super) waiter: Option<Arc<Waiter>>,
    pub(super) leader: Option<IoHandle>,
    pub(super) signals: Vec<Arc<Signal>>,
    pub(super) examiner: Option<Examiner>,
}

impl Bells {
    pub(super) fn ring(self) {
        self.waiter.iter().for_each(|waiter| waiter.bell.notify_one());
        self.leader.iter().for_each(|events| events.look());
        self.signals.iter().for_each(|signal| signal.ring());
        self.examiner.into_iter().for_each(Examiner::ring);
    }
}

/// See the module's page.
pub struct Inbox {
    pub(super) state: Mutex<State>,
    pub(super) dispatched: Condvar,
    /// Since the running batch was taken.
    pub(super) handler_changed: AtomicBool,
    /// Since the present run began: others' events wait for its end.
    pub(super) interrupted: AtomicBool,
    pub(super) has_handler: AtomicBool,
    /// What waits; written under the lock.
    pub(super) waiting: Tally,
    /// One connection may hold this part of either bound.
    pub(super) share: usize,
    pub(super) options: Arc<Options>,
}

impl Inbox {
    pub fn new(options: Arc<Options>, share: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            dispatched: Condvar::new(),
            handler_changed: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
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

    /// Hands over what came in one round of an I/O thread, in order: messages, of so many bytes.
    pub(in crate::engine) fn push(&self, messages: &mut Entries, bytes: usize) -> Pushed {
        let mut state = self.lock();
        if !messages.sources().any(Connection::is_over) {
            // Nothing to look at one by one.
            let count = messages.len();
            state.books.messages += count;
            self.waiting.add_all(count, bytes);
            state.queue.append(messages);
            state.came(count, count);
        } else {
            messages.drain(|event, source| self.take_in(&mut state, event, source));
        }
        self.pushed(state)
    }

    /// What has become of what was taken in; whoever waits for it is told.
    pub(super) fn pushed(&self, state: MutexGuard<'_, State>) -> Pushed {
        if state.dispatch.is_set() {
            let (examiner, free) = (state.examiner(), state.queue.has_free());
            if free {
                self.interrupt();
            }
            drop(state);
            examiner.into_iter().for_each(Examiner::ring);
            return if free { Pushed::ForHandler } else { Pushed::Queued };
        }
        let bells = state.bells();
        let guest = state.would_be_guest();
        drop(state);
        bells.ring();
        guest.map_or(Pushed::Queued, Pushed::ForGuest)
    }

    pub(super) fn take_in(&self, state: &mut State, event: Event, source: Option<&Arc<Connection>>) {
        if !self.comes_too_late(state, &event, source) {
            self.enqueue(state, event, source);
        }
    }

    /// Another thread has told the end of its connection already; gives its credit back.
    pub(super) fn comes_too_late(&self, state: &mut State, event: &Event, source: Option<&Arc<Connection>>) -> bool {
        let Body::Message(message) = &event.body else { return false };
        let late = source.is_some_and(|connection| connection.is_over());
        if late {
            self.settle_outside(&mut state.books, message, source);
        }
        late
    }

    pub(super) fn enqueue(&self, state: &mut State, event: Event, source: Option<&Arc<Connection>>) {
        if let (Body::Close(_), Some(source)) = (&event.body, source)
            && Self::forget(state, source)
        {
            return;
        }
        self.book(&mut state.books, &event.body);
        if state.books.errors > KEPT_ERRORS {
            state.queue.remove_first(|body| matches!(body, Body::Error(_)));
            state.books.errors -= 1;
        }
        let messages = usize::from(event.message().is_some());
        state.queue.push_back(event, source);
        state.came(1, messages);
    }

    /// A connection that has come and gone unseen, with no message waiting, leaves nothing behind: drops what the
    /// queue has of it and tells that its `close` is to be dropped, too. Keeps the queue bounded when the host takes
    /// nothing.
    pub(super) fn forget(state: &mut State, source: &Arc<Connection>) -> bool {
        if source.inbound().0 > 0 || state.dispatch.is_set() || state.awaits_any() {
            return false;
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
        let mut state = self.lock();
        self.take_in(&mut state, Event { connection, body }, source);
        self.pushed(state) == Pushed::ForHandler
    }
}
