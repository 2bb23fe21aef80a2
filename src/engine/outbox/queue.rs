//! What was accepted for sending and the kernel has not yet taken.
//!
//! An outbox may outlive its connection: a client that reconnects, or a session that is resumed, attaches the next
//! connection to the same one. One connection at a time holds it and takes messages out to stage them. When that
//! connection ends it detaches and gives back, in order and whole, what the kernel has not taken to the last byte; only
//! then does the next holder get anything. So no message is lost that was not written, none overtakes another, and none
//! is sent twice that was written.

mod takeover;

use super::sink::Sink;
use super::waiting::Waiting;
use crate::engine::shared::{Deadline, Wait, lock, wait};
use crate::error::{Error, Id, Result};
use crate::ws::{Message, MessageCow};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard};

/// What a message costs besides its payload in the bound, so that empty ones are bounded, too.
const OVERHEAD: usize = 16;

#[derive(Default)]
pub(super) struct State {
    pub(super) queue: Waiting,
    /// Payload bytes of `queue` and of what the I/O thread has staged and not finished.
    pub(super) bytes: usize,
    pub(super) messages: usize,
    pub(super) open: bool,
    /// For good, and why: an end that was asked for before the connection opened holds, too.
    end: Option<Id>,
    waiting: usize,
    /// The serial of the connection that takes messages out, and of the one that waits for it to detach.
    pub(super) holder: Option<u64>,
    next: Option<Box<(u64, Option<Message>)>>,
    /// The holder takes nothing more, because its peer will read nothing more.
    stopped: bool,
    /// The first message of the holder is its hello, which no other connection may send.
    hello: bool,
    /// How many takeovers it waits for, see [`Outbox::block_for_takeover`].
    blocked: u32,
    /// What waits has been dropped or taken over.
    closed: bool,
    /// A message found no room: the cost below which that is over, in units of [`OVERHEAD`]; 0: none did.
    overfull: u32,
}

impl State {
    pub(super) fn cost(&self) -> usize {
        Outbox::cost_of(self.messages, self.bytes)
    }

    /// Whether a message of `size` bytes may be queued: an empty queue takes any one.
    pub(super) fn has_room(&self, size: usize, limit: usize) -> bool {
        self.messages == 0 || self.cost() + size + OVERHEAD <= limit
    }

    /// The first reason counts.
    fn finish(&mut self, why: Id) {
        self.open = false;
        self.end.get_or_insert(why);
    }

    fn is_handed_to(&self, serial: u64) -> bool {
        self.holder == Some(serial) && self.next.is_none() && !self.stopped && self.blocked == 0
    }

    fn install(&mut self, serial: u64, hello: Option<Message>) {
        (self.holder, self.stopped, self.hello) = (Some(serial), false, hello.is_some());
        if let Some(message) = hello {
            let size = message.data().len();
            if self.queue.push_front(message) {
                self.messages += 1;
                self.bytes += size;
            }
        }
    }
}

/// A message was queued.
pub struct Accepted {
    /// The serial of the connection that must be flushed; without one the next to attach will find the message.
    pub holder: Option<u64>,
    /// The queue is more than half full.
    pub above_half: bool,
}

/// A send queue. See the module's page.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
    room: Condvar,
    /// Nothing waits: what the handler of the holder sends may bypass the queue ([`super::cork`]). Changed under the
    /// lock.
    bypass_open: AtomicBool,
    /// What has bypassed the queue and is not written yet; accessed by the I/O thread alone.
    bypassed_messages: AtomicUsize,
    bypassed_bytes: AtomicUsize,
}

impl Outbox {
    /// Locks for a change that must close the bypass.
    pub(super) fn change(&self) -> MutexGuard<'_, State> {
        let state = lock(&self.state);
        // An answer that is sent because of this change comes after it.
        self.bypass_open.store(false, Relaxed);
        state
    }

    /// From now on messages are accepted.
    pub fn open(&self) {
        let mut state = lock(&self.state);
        state.open = state.end.is_none();
    }

    /// The connection `serial` has opened: it takes the messages from now on, or as soon as the present holder has
    /// detached (it must be flushed then). `hello` goes out before everything else.
    pub fn attach(&self, serial: u64, hello: Option<Message>) {
        let mut state = self.change();
        if state.holder.is_some_and(|holder| holder != serial) {
            state.next = Some(Box::new((serial, hello)));
        } else {
            state.install(serial, hello);
        }
    }

    /// The connection `serial` takes nothing more out; what it has staged may still be written.
    pub fn stop_taking(&self, serial: u64) {
        let mut state = self.change();
        if state.holder == Some(serial) {
            state.stopped = true;
        }
    }

    /// The connection `serial` has ended. `unwritten` is what it had taken and the kernel not, in order; it goes back
    /// to the front, but for its greeting. Does nothing for one that is not the holder. How many were lost, because there
    /// was no memory for their places.
    #[must_use]
    pub fn detach(&self, serial: u64, unwritten: impl DoubleEndedIterator<Item = Message>) -> usize {
        let mut lost = 0;
        let dropped = {
            let mut state = self.change();
            if state.next.as_ref().is_some_and(|next| next.0 == serial) {
                state.next = None;
            }
            if state.holder != Some(serial) {
                return 0;
            }
            for message in unwritten.rev() {
                let size = message.data().len();
                if !state.queue.push_front(message) {
                    lost += 1;
                    state.messages = state.messages.saturating_sub(1);
                    state.bytes = state.bytes.saturating_sub(size);
                }
            }
            // A connection that opens again has its own.
            let hello = if std::mem::take(&mut state.hello) { state.queue.pop_front() } else { None };
            if let Some(message) = &hello {
                state.messages = state.messages.saturating_sub(1);
                state.bytes = state.bytes.saturating_sub(message.data().len());
            }
            state.holder = None;
            if let Some(next) = state.next.take() {
                let (serial, hello) = *next;
                state.install(serial, hello);
            }
            hello
        };
        drop(dropped);
        lost
    }

    /// Refuses messages from now on, drops what waits and wakes the calls that wait for room.
    pub fn close(&self) {
        let dropped = {
            let mut state = self.change();
            state.finish(Id::ClosedWhileWaiting);
            state.closed = true;
            std::mem::take(&mut state.queue)
        };
        drop(dropped);
        self.room.notify_all();
    }

    /// This connection has taken over a session and must not send yet: the unsent messages of the previous connection
    /// come first. Each call is ended by one [`Outbox::prepend`].
    pub fn block_for_takeover(&self) {
        self.change().blocked += 1;
    }

    /// Whether it waits for the messages of a previous connection.
    pub fn is_blocked(&self) -> bool {
        lock(&self.state).blocked > 0
    }

    /// Refuses messages from now on, because the host closes; what was accepted is still sent.
    pub fn finish(&self) {
        self.end(Id::Cancelled);
    }

    /// The same, because we close.
    pub fn fail(&self) {
        self.end(Id::ClosedWhileWaiting);
    }

    fn end(&self, why: Id) {
        {
            self.change().finish(why);
        }
        self.room.notify_all();
    }

    /// Queues a message while there is room for it under `limit()` bytes, waiting for room no longer than `timeout`.
    /// An empty queue takes any one message.
    pub fn push(&self, message: MessageCow<'_>, limit: impl Fn() -> usize, timeout: Wait) -> Result<Accepted> {
        self.push_if(message, limit, timeout, || Ok(()), || Ok(()))
    }

    /// The same while `still` says so, which is asked whenever there may be room ([`Outbox::look_again`]), and `last`,
    /// which is called before another thread can see the message.
    pub fn push_if(
        &self,
        message: MessageCow<'_>,
        limit: impl Fn() -> usize,
        timeout: Wait,
        still: impl Fn() -> Result<()>,
        last: impl FnOnce() -> Result<()>,
    ) -> Result<Accepted> {
        let size = message.size();
        let mut state = self.change();
        let mut deadline = None;
        let limit = loop {
            if !state.open {
                return Err(Error::of(match deadline {
                    None => Id::NotConnected,
                    Some(_) => state.end.unwrap_or(Id::ClosedWhileWaiting),
                }));
            }
            still()?;
            let limit = limit();
            if state.has_room(size, limit) {
                break limit;
            }
            let until = *deadline.get_or_insert_with(|| Deadline::of(timeout));
            state.waiting += 1;
            let (guard, in_time) = wait(&self.room, state, until);
            state = guard;
            state.waiting -= 1;
            if !in_time {
                state.overfull = u32::try_from(limit / 2 / OVERHEAD).unwrap_or(u32::MAX).max(1);
                return Err(Error::new(Id::QueueFull, [state.bytes.into(), limit.into()]));
            }
        };
        // The lock was free during the wait for room: the bypass may have been opened again.
        self.bypass_open.store(false, Relaxed);
        last()?;
        state.queue.push_back(message)?;
        state.bytes += size;
        state.messages += 1;
        Ok(Accepted { holder: state.holder, above_half: state.cost() > limit / 2 })
    }

    /// Moves messages to `sink`, for the connection `serial`, until about `room` bytes are there, or it takes no more; the
    /// room that is left.
    pub fn take(&self, serial: u64, mut room: usize, sink: &mut impl Sink) -> usize {
        let mut state = lock(&self.state);
        if !state.is_handed_to(serial) || state.queue.is_empty() {
            return room;
        }
        for _ in 0..sink.make_room(state.queue.len().min(room.div_ceil(OVERHEAD))) {
            if room == 0 {
                break;
            }
            let Some(message) = state.queue.pop_front() else { break };
            room = room.saturating_sub(message.data().len() + OVERHEAD);
            sink.put(message);
        }
        room
    }

    /// The same for a connection that has nothing staged, into `batch`, which is empty; whether more wait.
    pub(in crate::engine) fn take_batch(&self, serial: u64, room: usize, batch: &mut Waiting) -> bool {
        let mut state = lock(&self.state);
        if !state.is_handed_to(serial) {
            return false;
        }
        match state.cost() <= room {
            true => state.queue.move_all(batch),
            false => state.queue.move_some(batch, room, OVERHEAD),
        }
        !state.queue.is_empty()
    }

    /// Whether the connection `serial` may still send what it has taken.
    pub fn is_sending(&self, serial: u64) -> bool {
        let state = lock(&self.state);
        state.holder == Some(serial) && state.next.is_none() && !state.stopped && !state.closed
    }

    /// The kernel has taken that many messages of the holder whole. True: a message had found no room, and now less than
    /// half of it is taken.
    #[must_use]
    pub fn written(&self, messages: usize, bytes: usize) -> bool {
        let (waiting, drained) = {
            let mut state = lock(&self.state);
            state.hello &= messages == 0;
            state.messages = state.messages.saturating_sub(messages);
            state.bytes = state.bytes.saturating_sub(bytes);
            let drained = state.overfull > 0 && state.open && state.cost() < state.overfull as usize * OVERHEAD;
            if drained {
                state.overfull = 0;
            }
            (state.waiting > 0, drained)
        };
        if waiting {
            self.room.notify_all();
        }
        drained
    }

    /// There may be room under a new bound. The limit is passed by each caller, so the waiting calls check again with
    /// theirs.
    pub fn bounds_changed(&self) {
        self.look_again();
    }

    /// The calls that wait for room check again what may keep them from it.
    pub fn look_again(&self) {
        // A call that has just checked still holds the lock until it waits.
        drop(lock(&self.state));
        self.room.notify_all();
    }

    /// Whether the connection `serial` has nothing more to take, now or when it is no longer held.
    pub fn is_empty(&self, serial: u64) -> bool {
        let state = lock(&self.state);
        let blocked = state.blocked > 0 && !state.closed && !state.stopped && state.holder == Some(serial);
        !blocked && (state.queue.is_empty() || !state.is_handed_to(serial))
    }

    /// Messages and payload bytes not yet taken by the kernel.
    pub fn waiting(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.messages + self.bypassed_messages.load(Relaxed), state.bytes + self.bypassed_bytes.load(Relaxed))
    }

    /// What messages count in the bound.
    pub(super) fn cost_of(messages: usize, bytes: usize) -> usize {
        bytes + messages * OVERHEAD
    }

    /// Opens the bypass for the connection `serial`; false when something waits, or may not be sent.
    pub(in crate::engine) fn open_bypass(&self, serial: u64) -> bool {
        // A thread that queues something closes the bypass under the lock.
        if self.is_bypass_open() {
            return true;
        }
        let state = lock(&self.state);
        let free = state.open && state.messages == 0 && state.is_handed_to(serial);
        self.bypass_open.store(free, Relaxed);
        free
    }

    /// Whether the bypass is still open.
    pub(in crate::engine) fn is_bypass_open(&self) -> bool {
        self.bypass_open.load(Relaxed)
    }

    /// So much has bypassed the queue.
    pub(in crate::engine) fn bypassed(&self, messages: usize, bytes: usize) {
        // One writer: no locked instruction needed.
        self.bypassed_messages.store(messages, Relaxed);
        self.bypassed_bytes.store(bytes, Relaxed);
    }

    /// What has bypassed the queue counts in it from now on, until it is [`Outbox::written`].
    pub(in crate::engine) fn charge_bypassed(&self) {
        let mut state = self.change();
        state.messages += self.bypassed_messages.load(Relaxed);
        state.bytes += self.bypassed_bytes.load(Relaxed);
        self.bypassed(0, 0);
    }
}

#[cfg(test)]
mod tests;
