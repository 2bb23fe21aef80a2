//! The queue of one object: what its connections received and the host has not yet taken.
//!
//! The I/O thread hands over a batch a round under one lock. The bounds count messages and their bytes; they are
//! reserved before a message enters a batch ([`Inbox::admit`]) and given back when the host takes it, which resumes
//! the connections that had been paused. Other events do not count.
//!
//! A `Request` takes its reply out of the middle; how that goes on without this lock stands in [`super::request`].

use super::entries::Entries;
use super::handler::Dispatch;
use super::reply::Examiner;
use super::requests::Requests;
use super::waiters::{WaitRate, Waiter, Wakeups, Want};
use crate::engine::connection::{Connection, IoHandle};
use crate::engine::shared::{Signal, Tally, lock};
use crate::library;
use crate::options::Options;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What is in a queue; its bytes are in [`Inbox::waiting`].
#[derive(Default)]
pub struct Credit {
    pub(super) messages: usize,
    pub(super) errors: usize,
    /// Connections that wait for room, by serial.
    pub(super) paused: BTreeMap<u64, Arc<Connection>>,
    /// Some of them may wait for room in the whole, and not only in their own part.
    pub(super) await_whole: bool,
}

#[derive(Default)]
pub struct State {
    pub(super) queue: Entries,
    pub(super) credit: Credit,
    pub(super) waiters: VecDeque<Arc<Waiter>>,
    /// For the next call that waits.
    pub(super) spare_waiter: Option<Arc<Waiter>>,
    pub(super) wait_rate: WaitRate,
    /// The loop that a call may run while it waits.
    pub(super) open_loop: Option<IoHandle>,
    /// What a call wants that runs a loop while it waits, and that loop; it looks at the queue when told to.
    pub(super) leader: Option<(Want, IoHandle)>,
    /// Counts the ends of waiting; a call that began to wait before the last one ends.
    pub(super) epoch: u64,
    /// How often all has been dropped: what was taken before does not come back.
    pub(super) clears: u64,
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
        self.credit.messages - self.queue.held_messages()
    }

    /// Whether nothing more comes; what is held may still turn out to be an ordinary message.
    pub(super) fn is_over(&self) -> bool {
        !self.live && self.queue.held_messages() == 0
    }

    /// Whether a call that takes anything would return at once.
    pub(super) fn is_ready(&self) -> bool {
        self.queue.has_free() || self.is_over() || self.cancelled
    }

    /// Whether no call that has waited longer than `me` could be served now.
    pub(super) fn is_turn_of(&self, me: Option<&Arc<Waiter>>) -> bool {
        // A call that runs the loop found no other waiting when it began.
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
        spare.unwrap_or_else(|| Arc::new(Waiter { want, thread, ready: Condvar::new() }))
    }

    /// The calls to wake because something has come.
    pub(super) fn wakeups(&self) -> Wakeups {
        let over = self.is_over();
        let ends = |waiter: &&Arc<Waiter>| (over || self.satisfies(waiter.want)) && !self.is_for_leader();
        let waiter = self.waiters.iter().find(ends).cloned();
        let leader = self.leader.as_ref().map(|(_, events)| events.clone());
        let signals = if self.is_ready() { self.signals.clone() } else { Vec::new() };
        Wakeups { waiter, leader, signals, examiner: self.examiner() }
    }

    /// The request whose thread is to examine what is held.
    pub(super) fn examiner(&self) -> Option<Examiner> {
        let idle = self.queue.held_messages() > 0 && !self.requests.examined;
        self.requests.list.first().filter(|_| idle).cloned().map(Examiner)
    }

    pub(super) fn wake_all(&self) {
        self.leader.iter().for_each(|(_, events)| events.notify());
        self.waiters.iter().for_each(|waiter| waiter.ready.notify_one());
        self.signals.iter().for_each(|signal| signal.notify());
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled
    }
}

/// See the module's page.
pub struct Inbox {
    state: Mutex<State>,
    pub(super) dispatched: Condvar,
    /// Since the running batch was taken.
    pub(super) handler_changed: AtomicBool,
    /// Since the present run began: others' events wait for its end.
    pub(super) yield_requested: AtomicBool,
    pub(super) has_handler: AtomicBool,
    /// What waits; written under the lock.
    pub(super) waiting: Tally,
    /// More messages than this are not admitted, because there was no memory for their places; changed under the lock.
    pub(super) ceiling: AtomicUsize,
    /// One connection may hold this part of either bound.
    pub(super) share: usize,
    /// What one connection may hold: messages, and bytes.
    pub(super) own_messages: AtomicUsize,
    pub(super) own_bytes: AtomicUsize,
    pub(super) options: Arc<Options>,
}

impl Inbox {
    pub fn new(options: Arc<Options>, share: usize) -> Arc<Self> {
        let inbox = Self {
            state: Mutex::default(),
            dispatched: Condvar::new(),
            handler_changed: AtomicBool::new(false),
            yield_requested: AtomicBool::new(false),
            has_handler: AtomicBool::new(false),
            waiting: Tally::default(),
            ceiling: AtomicUsize::new(usize::MAX),
            share,
            own_messages: AtomicUsize::new(usize::MAX),
            own_bytes: AtomicUsize::new(usize::MAX),
            options,
        };
        inbox.set_own_bounds();
        Arc::new(inbox)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Messages and bytes that wait.
    pub fn waiting(&self) -> (usize, usize) {
        self.waiting.get()
    }

    /// Something has come that is to wait no longer than for the present read: the run ends before the next.
    pub(super) fn request_yield(&self) {
        self.yield_requested.store(true, SeqCst);
    }
}
