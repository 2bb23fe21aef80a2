//! `Request`: a message that answers another is taken out of the queue by an id in its JSON.
//!
//! While requests wait, what comes is held ([`Entries`]): it has its place in the queue and counts in the bounds, but
//! no call and no handler gets it before it is known to answer no request. A host thread that waits for a reply finds
//! that out, one at a time and for all of them; it takes the first messages (shared, not copied), examines them with
//! the lock free, and reports to the queue what it has found: a reply leaves its place and goes to its request, all
//! others may be taken, in order. So neither the I/O thread nor the lock ever has to do with the content of a message.
//!
//! A request is registered at the moment in which its message is queued for sending, and its thread begins to examine
//! at once; so what is held never waits for a thread that waits for something else. Messages are numbered as they come:
//! one from before a request is not its reply. A thread that must stop (its reply has come, its time is over, the host
//! closes) leaves its examination to the next. When the last request leaves, all that is held is free.
//!
//! When no more can come (the connection has ended, or reading pauses because the queue is full) a request does not
//! end before what has come is looked at. When the host closes it ends at once.

use super::examine::{Examination, Finding};
use super::reply::{Examiner, InFlight, ReplyState};
use super::state::{Inbox, State};
use crate::engine::connection::Connection;
use crate::engine::shared::{Body, Deadline, Wait, wait};
use crate::error::{Error, Id, Result};
use crate::ws::Message;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Messages that are looked at between two locks, and their bytes, but for the first.
const BATCH_MESSAGES: usize = 64;
const BATCH_BYTES: usize = 64 * 1024;

impl State {
    /// So many have come at the end of the queue, the first of them a message if nothing is held.
    pub(super) fn came(&mut self, events: usize, messages: usize) {
        self.requests.arrived += messages as u64;
        if !self.requests.is_empty() {
            self.queue.hold_last(events, messages);
        }
    }

    /// What had been set aside may have got its place: from now on it counts as having come.
    pub(super) fn refilled(&mut self) {
        let (events, messages) = self.queue.take_refilled();
        if events > 0 {
            self.came(events, messages);
        }
    }

    /// What is held is free, or gone; what was begun on it is dropped by the caller, when the lock is free.
    #[must_use]
    pub(super) fn free_all(&mut self) -> Option<Examination> {
        self.queue.free_all();
        self.requests.epoch += 1;
        self.requests.left.take()
    }

    /// All before this one have been looked at.
    fn seen(&self) -> u64 {
        self.requests.arrived - self.queue.held_messages() as u64
    }

    /// Nothing that comes from now on is a reply to the requests in flight.
    pub(super) fn end_requests(&mut self, why: Id) {
        self.requests.life += 1;
        self.requests.list.iter().for_each(|pending| pending.end(why, self.requests.arrived));
    }

    /// The same for those that have asked on one connection.
    pub(super) fn end_requests_of(&mut self, connection: &Connection, why: Id) {
        let of = |pending: &&Arc<InFlight>| pending.connection == connection.serial;
        self.requests.list.iter().filter(of).for_each(|pending| pending.end(why, self.requests.arrived));
    }

    /// They end at once.
    pub(super) fn cancel_requests(&mut self, why: Id) {
        self.requests.life += 1;
        self.requests.list.iter().for_each(|pending| pending.end(why, 0));
    }

    /// The first that are held, for the caller alone. One whose time is over begins no long work.
    fn begin_examination(&mut self, in_time: bool) -> Option<Examination> {
        if self.requests.examined || self.queue.held_messages() == 0 {
            return None;
        }
        let left = self.requests.left.take();
        let examination = left.unwrap_or_else(|| {
            let mut bytes = 0;
            let fits = |message: &&Message| {
                bytes += message.data().len();
                bytes == message.data().len() || bytes <= BATCH_BYTES
            };
            let messages = self.queue.held().take(BATCH_MESSAGES).take_while(fits).cloned().collect();
            Examination::new(self.requests.epoch, self.requests.list.clone(), self.seen(), messages)
        });
        if !in_time && examination.size() > BATCH_BYTES {
            self.requests.left = Some(examination);
            return None;
        }
        self.requests.examined = true;
        Some(examination)
    }
}

/// A registered request; it is forgotten when this is dropped.
pub struct RequestGuard {
    inbox: Arc<Inbox>,
    pending: Arc<InFlight>,
    /// Lets the handler run on an I/O thread, when messages turn out to be its.
    dispatches: Box<dyn Fn()>,
    /// This one looks at messages just now.
    examines: Cell<bool>,
}

impl Inbox {
    /// What [`Inbox::expect`] is told, so that a request whose connection ends before it is registered fails.
    pub fn life(&self) -> u64 {
        self.lock().requests.life
    }

    /// Whether a reply can come.
    pub fn check_request(&self, connection: &Connection, life: u64) -> Result<()> {
        check(&self.lock(), connection, life)
    }

    /// Registers a request for a reply with a field whose value is that JSON. Called when nothing can keep the request
    /// from being sent any more, and before it can be. `dispatches` makes an I/O thread call [`Inbox::dispatch`].
    pub fn expect(
        self: &Arc<Self>,
        connection: &Connection,
        life: u64,
        (field, id): (&str, &str),
        dispatches: Box<dyn Fn()>,
    ) -> Result<RequestGuard> {
        let (field, id) = (field.to_owned(), id.to_owned());
        let mut state = self.lock();
        check(&state, connection, life)?;
        let pending = Arc::new(InFlight {
            field,
            id,
            connection: connection.serial,
            from: state.requests.arrived,
            until: AtomicU64::new(u64::MAX),
            reply_state: Mutex::new(ReplyState::Awaited),
            stops: AtomicBool::new(false),
            ready: Condvar::new(),
        });
        Arc::make_mut(&mut state.requests.list).push(pending.clone());
        // The reply is not for the handler.
        self.request_yield();
        Ok(RequestGuard { inbox: self.clone(), pending, dispatches, examines: Cell::new(false) })
    }

    /// Applies the finding of an examination; what is left of it is to be dropped with the lock free.
    fn conclude(&self, state: &mut State, mut done: Examination, finding: Finding) -> Option<Examination> {
        if done.epoch != state.requests.epoch {
            return Some(done);
        }
        (0..done.take_passed()).for_each(|_| state.queue.free_message());
        match finding {
            Finding::Nothing => {}
            Finding::Stopped => {
                state.requests.left = Some(done);
                return None;
            }
            Finding::Reply(pending) => {
                let waits = state.requests.list.iter().position(|other| Arc::ptr_eq(other, &pending));
                // A request that has ended meanwhile leaves the message to others, which have not been compared yet.
                if let Some(at) = waits.filter(|_| pending.expects(done.number()))
                    && let Some((event, source)) = state.queue.take_held()
                {
                    state.refilled();
                    self.release(&mut state.credit, &event.body, source.as_ref());
                    Arc::make_mut(&mut state.requests.list).remove(at);
                    if let Body::Message(reply) = event.body {
                        pending.answer(reply);
                    }
                }
            }
        }
        let seen = state.seen();
        for pending in state.requests.list.iter().filter(|pending| pending.until.load(SeqCst) <= seen) {
            pending.ready.notify_all();
        }
        Some(done)
    }

    /// Messages may have become free: wakes the calls that wait for them.
    fn freed(&self, state: MutexGuard<'_, State>, dispatches: impl Fn()) {
        if !state.dispatch.is_set() {
            let wakeups = state.wakeups();
            drop(state);
            return wakeups.send();
        }
        let (examiner, free) = (state.examiner(), state.queue.has_free());
        if free {
            self.request_yield();
        }
        drop(state);
        examiner.into_iter().for_each(Examiner::notify);
        if free {
            dispatches();
        }
    }
}

fn check(state: &State, connection: &Connection, life: u64) -> Result<()> {
    if state.is_cancelled() {
        Err(Error::of(Id::Cancelled))
    } else if state.requests.life != life {
        Err(Error::of(Id::ClosedWhileWaiting))
    } else if connection.is_paused() {
        Err(Error::of(Id::ReadingPaused))
    } else {
        Ok(())
    }
}

impl RequestGuard {
    /// Waits for the reply; one that comes later is an ordinary message. `timeout` names the time of `deadline`.
    pub fn wait(&self, timeout: Wait, deadline: Deadline) -> Result<Message> {
        let Self { inbox, pending, dispatches, examines } = self;
        let expired = || Error::new(Id::RequestTimeout, [timeout.ms().into()]);
        inbox.reclaim_if_lent();
        let mut state = inbox.lock();
        loop {
            let in_time = deadline.left().is_some();
            if !in_time {
                // What has come before may be the reply.
                pending.end(Id::RequestTimeout, state.requests.arrived);
            }
            match pending.outcome(state.seen()) {
                Some(Ok(reply)) => return Ok(reply),
                Some(Err(Id::RequestTimeout)) => return Err(expired()),
                Some(Err(why)) => return Err(Error::of(why)),
                None => {}
            }
            if let Some(mut examination) = state.begin_examination(in_time) {
                examines.set(true);
                drop(state);
                let late = || in_time && deadline.left().is_none();
                let finding = examination.go_on(|| pending.stops.load(SeqCst) || late());
                let mut locked = inbox.lock();
                examines.set(false);
                locked.requests.examined = false;
                let rest = inbox.conclude(&mut locked, examination, finding);
                inbox.freed(locked, dispatches);
                drop(rest);
                state = inbox.lock();
            } else if in_time {
                state = wait(&pending.ready, state, deadline).0;
            } else {
                return Err(expired());
            }
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let mut state = self.inbox.lock();
        Arc::make_mut(&mut state.requests.list).retain(|other| !Arc::ptr_eq(other, &self.pending));
        if self.examines.get() {
            // A panic has ended it.
            state.requests.examined = false;
        }
        let rest = if state.requests.is_empty() { state.free_all() } else { None };
        self.inbox.freed(state, &self.dispatches);
        drop(rest);
    }
}
