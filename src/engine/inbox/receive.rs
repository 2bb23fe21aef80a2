//! The host's side of an object's queue: taking, waiting, ending.

use super::entries::Entries;
use super::state::{Inbox, State};
use super::waiters::{Waiter, Wakeups, Want};
use crate::engine::connection::{Connection, IoHandle, LoopGuard};
use crate::engine::shared::{Body, Deadline, Event, Outcome, Signal, Wait, wait};
use crate::error::{Error, Id, Result, memory};
use std::sync::Arc;

/// What a handler is given between two looks at the queue.
const BATCH_EVENTS: usize = 64;
const BATCH_BYTES: usize = 256 * 1024;
/// What a host's call takes at a time, under one lock: the last message may exceed the bytes.
const MAX_RECEIVED_EVENTS: usize = 1024;
const MAX_RECEIVED_BYTES: usize = 4 * 1024 * 1024;

impl Inbox {
    /// The next event if it is there and nothing is out of the ordinary. It is taken under the lock that the end of the
    /// object takes, too, so the caller need not have counted itself as inside.
    pub fn receive_now(&self, want: Want) -> Option<Event> {
        let mut state = self.lock();
        let ordinary =
            !state.cancelled && !state.dispatch.is_set() && state.waiters.is_empty() && state.leader.is_none();
        if !ordinary || !state.satisfies(want) {
            return None;
        }
        state.receives += 1;
        self.pop(&mut state, want)
    }

    /// The next event, or why there is none.
    pub fn receive(&self, want: Want, timeout: Wait) -> Result<Outcome<Event>> {
        self.receive_by(want, timeout, |inbox, state| inbox.pop(state, want).map_or(Outcome::Timeout, Outcome::Got))
    }

    /// All events that are queued, up to a bound, as soon as there is one; or why there is none. `reserve` is called with
    /// their number or more before any is taken, so that the caller has places for them, or they stay.
    pub fn receive_batch(
        &self,
        want: Want,
        timeout: Wait,
        reserve: impl FnOnce(usize) -> Result<()>,
    ) -> Result<Outcome<Vec<Event>>> {
        match self.receive_by(want, timeout, |inbox, state| inbox.pop_all(state, want, reserve))? {
            Outcome::Got(events) => Ok(Outcome::Got(events?)),
            Outcome::Timeout => Ok(Outcome::Timeout),
            Outcome::Closed => Ok(Outcome::Closed),
        }
    }

    /// Waits until there is something and has it taken under the same lock.
    fn receive_by<T>(
        &self,
        want: Want,
        timeout: Wait,
        take: impl FnOnce(&Self, &mut State) -> Outcome<T>,
    ) -> Result<Outcome<T>> {
        let mut state = self.lock();
        let epoch = state.epoch;
        state.receives += 1;
        let mut waiter: Option<Arc<Waiter>> = None;
        let mut deadline = None;
        let mut borrowed: Option<LoopGuard> = None;
        // No call waited when this one borrowed the loop, so all others have come later.
        let mut led = false;
        let outcome = loop {
            if state.cancelled {
                break Err(Error::of(Id::Cancelled));
            }
            if state.dispatch.is_set() {
                break Err(Error::new(Id::HandlerSet, ["receive".into()]));
            }
            if state.satisfies(want) && (led || state.is_turn_of(waiter.as_ref())) {
                if let Some(borrowed) = borrowed.take() {
                    // Before anything is asked of the loop: that must not look like work for the thread.
                    borrowed.give_back(state.has_others());
                }
                break Ok(take(self, &mut state));
            }
            if state.epoch != epoch || (state.is_over() && !state.satisfies(want)) {
                break Ok(Outcome::Closed);
            }
            let deadline = *deadline.get_or_insert_with(|| Deadline::of(timeout));
            if waiter.is_none() && borrowed.is_none() {
                borrowed = state.try_borrow_loop();
                led |= borrowed.is_some();
            }
            let (guard, in_time) = if let Some(inside) = &mut borrowed {
                let (guard, stay, in_time) = self.run_round(state, inside, want, deadline);
                if !stay {
                    borrowed = None;
                }
                (guard, in_time)
            } else {
                // The loop may have been lent just now to a thread that does not come back.
                state.open_loop.iter().for_each(IoHandle::reclaim_if_lent);
                let me = waiter.get_or_insert_with(|| {
                    state.wait_rate.wait_begins();
                    let me = state.new_waiter(want);
                    match led {
                        true => state.waiters.push_front(me.clone()),
                        false => state.waiters.push_back(me.clone()),
                    }
                    me
                });
                wait(&me.ready, state, deadline)
            };
            state = guard;
            if !in_time && !state.satisfies(want) {
                break Ok(if state.is_over() && !state.cancelled { Outcome::Closed } else { Outcome::Timeout });
            }
            if !in_time && !led && !state.is_turn_of(waiter.as_ref()) {
                break Ok(Outcome::Timeout);
            }
        };
        if let Some(me) = waiter {
            state.waiters.retain(|other| !Arc::ptr_eq(other, &me));
            state.spare_waiter = Some(me);
        }
        if let Some(borrowed) = borrowed.take().filter(|_| matches!(outcome, Ok(Outcome::Timeout))) {
            borrowed.give_back(state.has_others());
        }
        if want == Want::Message && matches!(outcome, Ok(Outcome::Timeout | Outcome::Closed)) {
            self.discard_others(&mut state);
        }
        // The next waiting call may find something, too; a notification that this one received must not be lost.
        let wakeups = (!state.waiters.is_empty()).then(|| state.wakeups());
        drop(state);
        wakeups.into_iter().for_each(Wakeups::send);
        outcome
    }

    /// A call that takes messages alone and finds none removes the other events: they would look like something that
    /// can be received. A call that waits for any event gets them.
    fn discard_others(&self, state: &mut State) {
        if state.satisfies(Want::Message) || state.awaits_any() || state.dispatch.is_set() {
            return;
        }
        while self.take_first(state).is_some() {}
    }

    fn pop(&self, state: &mut State, want: Want) -> Option<Event> {
        while let Some(event) = self.take_first(state) {
            if want == Want::Any || matches!(event.body, Body::Message(_)) {
                if state.queue.is_empty() {
                    state.queue.shrink();
                }
                return Some(event);
            }
        }
        None
    }

    /// Takes all that is there, up to a bound; NO_MEMORY, and nothing is taken, when there are no places for it.
    fn pop_all(
        &self,
        state: &mut State,
        want: Want,
        reserve: impl FnOnce(usize) -> Result<()>,
    ) -> Outcome<Result<Vec<Event>>> {
        let most = state.queue.len().min(MAX_RECEIVED_EVENTS);
        let mut batch = match reserve(most).and_then(|()| memory::room_for(most)) {
            Ok(batch) => batch,
            Err(error) => return Outcome::Got(Err(error)),
        };
        let mut bytes = 0;
        while batch.len() < MAX_RECEIVED_EVENTS && bytes < MAX_RECEIVED_BYTES {
            let Some(event) = self.pop(state, want) else { break };
            bytes += event.message().map_or(0, |message| message.data().len());
            batch.push(event);
        }
        if batch.is_empty() { Outcome::Timeout } else { Outcome::Got(Ok(batch)) }
    }

    fn take_first(&self, state: &mut State) -> Option<Event> {
        let State { queue, credit, .. } = state;
        let first = queue.pop_front(|event, source| self.release(credit, &event.body, source));
        state.refilled();
        first
    }

    /// The next event, and what [`Inbox::put_back`] has to be told of it.
    pub fn take_now(&self) -> Option<(Event, u64)> {
        let mut state = self.lock();
        let clears = state.clears;
        self.pop(&mut state, Want::Any).map(|event| (event, clears))
    }

    /// What [`Inbox::put_back`] has to be told of an event that is taken from now on.
    pub fn clears(&self) -> u64 {
        self.lock().clears
    }

    /// An event that was just taken is the first again; but where all has been dropped meanwhile, it is dropped, too: it
    /// must not come before what a new connection says.
    pub fn put_back(&self, event: Event, clears: u64) {
        let mut state = self.lock();
        if state.clears != clears {
            return;
        }
        self.charge(&mut state.credit, &event.body);
        state.queue.push_front(event, None);
        self.request_yield();
        let wakeups = state.wakeups();
        drop(state);
        wakeups.send();
    }

    /// Takes the first events for a handler, with the lock held by the caller; their credit is given back now.
    pub(in crate::engine) fn take_batch(&self, state: &mut State, batch: &mut Entries) {
        let mut bytes = 0;
        while batch.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
            let mut from = None;
            let State { queue, credit, .. } = state;
            let first = queue.pop_front(|event, source| {
                self.release(credit, &event.body, source);
                from = source.cloned();
            });
            state.refilled();
            let Some(event) = first else { break };
            bytes += event.message().map_or(0, |message| message.data().len());
            batch.push_back(event, from.as_ref());
        }
    }

    /// Puts back what the handler did not get any more, in order; nothing where all has been dropped meanwhile.
    pub(in crate::engine) fn return_batch(&self, state: &mut State, batch: &mut Entries, clears: u64) {
        if state.clears != clears {
            *batch = Entries::default();
        }
        while let Some((event, source)) = batch.pop_back() {
            self.charge(&mut state.credit, &event.body);
            if let (Body::Message(message), Some(source)) = (&event.body, &source) {
                source.taken.sub(message.data().len());
            }
            state.queue.push_front(event, source.as_ref());
        }
    }

    /// Drops what waits and belongs to a connection before the next. Not what a handler is about to be given: it is told of
    /// every end, also when the host connects again before that.
    pub fn clear_for_next(&self) {
        if !self.lock().dispatch.is_set() {
            self.clear();
        }
    }

    /// Drops everything that waits.
    pub fn clear(&self) {
        let mut state = self.lock();
        let begun = state.free_all();
        state.clears += 1;
        // Large messages are work for the system: not under the lock.
        let dropped = std::mem::take(&mut state.queue);
        dropped.each(|event, source| self.release(&mut state.credit, &event.body, source));
        drop(state);
        drop((begun, dropped));
    }

    /// Whether more can come; when not, calls that wait end with `Closed`.
    pub fn set_live(&self, live: bool) {
        let mut state = self.lock();
        state.live = live;
        state.end_requests(Id::ClosedWhileWaiting);
        if !live {
            state.wake_all();
        }
    }

    /// Ends the calls that wait now, because the host closes: receives with `Closed`, requests with CANCELLED.
    pub fn release_waiters(&self) {
        self.lock().cancel_requests(Id::Cancelled);
        self.wake_receivers();
    }

    /// Ends the receives that wait now.
    pub(in crate::engine) fn wake_receivers(&self) {
        let mut state = self.lock();
        state.epoch += 1;
        state.wake_all();
    }

    /// The object is being destroyed: ends every call, now and later.
    pub fn cancel(&self) {
        let mut state = self.lock();
        state.cancelled = true;
        state.cancel_requests(Id::Cancelled);
        state.wake_all();
    }

    /// Whether the host has taken all messages of `connection` and dealt with them: it has a handler, or it waits for
    /// more, or has asked since `seen`, which the first call that finds all taken sets.
    pub(in crate::engine) fn is_done_with(&self, connection: &Connection, seen: &mut Option<u64>) -> bool {
        let state = self.lock();
        if connection.inbound().0 > 0 {
            return false;
        }
        let waits = !state.waiters.is_empty() || state.leader.is_some() || !state.signals.is_empty();
        waits || state.dispatch.is_set() || state.receives > *seen.get_or_insert(state.receives)
    }

    pub fn is_ready(&self) -> bool {
        self.lock().is_ready()
    }

    /// Messages that a call could take now.
    pub fn queued(&self) -> usize {
        self.lock().messages()
    }

    pub fn has_events(&self) -> bool {
        self.lock().queue.has_free()
    }

    /// From now on `signal` is notified when something changes; returns what [`Inbox::was_released`] compares with.
    pub fn subscribe(&self, signal: &Arc<Signal>) -> u64 {
        let mut state = self.lock();
        state.signals.push(signal.clone());
        state.open_loop.iter().for_each(IoHandle::reclaim_if_lent);
        state.epoch
    }

    /// Whether the calls that waited then were ended.
    pub fn was_released(&self, since: u64) -> bool {
        self.lock().epoch != since
    }

    pub fn unsubscribe(&self, signal: &Arc<Signal>) {
        self.lock().signals.retain(|other| !Arc::ptr_eq(other, signal));
    }
}

#[cfg(test)]
#[path = "receive_tests.rs"]
mod tests;
