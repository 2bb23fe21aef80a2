//! What was accepted for sending and the kernel has not yet taken.
//!
//! An outbox may outlive its connection: a client that reconnects, or a session that is resumed, attaches the next
//! connection to the same one. One connection at a time holds it and takes messages out to stage them. When that one
//! ends it detaches and gives back, in order and whole, what the kernel has not taken to the last byte; only then does
//! the next holder get anything. So no message is lost that was not written, none overtakes another, and none is sent
//! twice that was written.

use super::event::Wait;
use super::sync::{Deadline, lock, wait};
use crate::error::{Error, Id, Result};
use crate::ws::Message;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard};

/// What a message costs besides its payload in the bound, so that empty ones are bounded, too.
const OVERHEAD: usize = 16;

#[derive(Default)]
struct State {
    queue: VecDeque<Message>,
    /// Payload bytes of `queue` and of what the I/O thread has staged and not finished.
    bytes: usize,
    messages: usize,
    open: bool,
    /// For good, and why: an end that was asked for before the connection opened holds, too.
    end: Option<Id>,
    waiting: usize,
    /// The serial of the connection that takes messages out, and of the one that waits for it to detach.
    holder: Option<u64>,
    next: Option<(u64, Option<Message>)>,
    /// The holder takes nothing more, because its peer will read nothing more.
    sealed: bool,
    /// The holder's first message is a greeting of its own, which no other connection is to send.
    greeting: bool,
}

impl State {
    fn cost(&self) -> usize {
        Outbox::cost_of(self.messages, self.bytes)
    }

    /// The first reason counts.
    fn finish(&mut self, why: Id) {
        self.open = false;
        self.end.get_or_insert(why);
    }

    fn is_handed_to(&self, serial: u64) -> bool {
        self.holder == Some(serial) && self.next.is_none() && !self.sealed
    }

    fn install(&mut self, serial: u64, greeting: Option<Message>) {
        (self.holder, self.sealed, self.greeting) = (Some(serial), false, greeting.is_some());
        if let Some(message) = greeting {
            self.messages += 1;
            self.bytes += message.data().len();
            self.queue.push_front(message);
        }
    }
}

/// A send queue. See the module's page.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
    room: Condvar,
    /// Nothing waits: what the holder's handler sends may go past the queue ([`super::cork`]). Changed under the lock.
    corked: AtomicBool,
    /// What has gone past the queue and is not written yet; the I/O thread's alone.
    past_messages: AtomicUsize,
    past_bytes: AtomicUsize,
}

impl Outbox {
    /// Changes what a holder's way past the queue must give way to.
    fn change(&self) -> MutexGuard<'_, State> {
        let state = lock(&self.state);
        // An answer that is sent because of this change comes after it.
        self.corked.store(false, Relaxed);
        state
    }

    /// From now on messages are accepted.
    pub fn open(&self) {
        let mut state = lock(&self.state);
        state.open = state.end.is_none();
    }

    /// The connection `serial` has opened: it takes the messages from now on, or as soon as the present holder has
    /// detached (it must be flushed then). `greeting` goes out before everything else.
    pub fn attach(&self, serial: u64, greeting: Option<Message>) {
        let mut state = self.change();
        if state.holder.is_some_and(|holder| holder != serial) {
            state.next = Some((serial, greeting));
        } else {
            state.install(serial, greeting);
        }
    }

    /// The connection `serial` takes nothing more out; what it has staged may still be written.
    pub fn seal(&self, serial: u64) {
        let mut state = self.change();
        if state.holder == Some(serial) {
            state.sealed = true;
        }
    }

    /// The connection `serial` has ended. `unwritten` is what it had taken and the kernel not, in order; it goes back
    /// to the front, but for its greeting. Does nothing for one that is not the holder.
    pub fn detach(&self, serial: u64, unwritten: impl DoubleEndedIterator<Item = Message>) {
        let dropped = {
            let mut state = self.change();
            if state.next.as_ref().is_some_and(|(next, _)| *next == serial) {
                state.next = None;
            }
            if state.holder != Some(serial) {
                return;
            }
            for message in unwritten.rev() {
                state.queue.push_front(message);
            }
            // A connection that opens again has its own.
            let greeting = if std::mem::take(&mut state.greeting) { state.queue.pop_front() } else { None };
            if let Some(message) = &greeting {
                state.messages = state.messages.saturating_sub(1);
                state.bytes = state.bytes.saturating_sub(message.data().len());
            }
            state.holder = None;
            if let Some((serial, greeting)) = state.next.take() {
                state.install(serial, greeting);
            }
            greeting
        };
        drop(dropped);
    }

    /// Refuses messages from now on, drops what waits and wakes who waits for room.
    pub fn close(&self) {
        let dropped = {
            let mut state = self.change();
            state.finish(Id::ClosedWhileWaiting);
            std::mem::take(&mut state.queue)
        };
        drop(dropped);
        self.room.notify_all();
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

    /// Queues a message while there is room for it under `limit()` bytes, waiting for room no longer than `patience`.
    /// An empty queue takes any one message. Gives the serial of the connection that must be flushed; without one the
    /// next to attach will find the message.
    pub fn push(&self, message: Message, limit: impl Fn() -> usize, patience: Wait) -> Result<Option<u64>> {
        let size = message.data().len();
        let mut state = self.change();
        let mut deadline = None;
        loop {
            if !state.open {
                return Err(Error::of(match deadline {
                    None => Id::NotConnected,
                    Some(_) => state.end.unwrap_or(Id::ClosedWhileWaiting),
                }));
            }
            if state.messages == 0 || state.cost() + size + OVERHEAD <= limit() {
                break;
            }
            let until = *deadline.get_or_insert_with(|| Deadline::of(patience));
            state.waiting += 1;
            let (guard, in_time) = wait(&self.room, state, until);
            state = guard;
            state.waiting -= 1;
            if !in_time {
                return Err(Error::new(Id::QueueFull, [state.bytes.into(), limit().into()]));
            }
        }
        state.bytes += size;
        state.messages += 1;
        state.queue.push_back(message);
        Ok(state.holder)
    }

    /// Moves messages to `take`, for the connection `serial`, until about `room` bytes are there.
    pub fn take(&self, serial: u64, mut room: usize, mut take: impl FnMut(Message)) {
        let mut state = lock(&self.state);
        if !state.is_handed_to(serial) {
            return;
        }
        while room > 0 {
            let Some(message) = state.queue.pop_front() else { break };
            room = room.saturating_sub(message.data().len() + OVERHEAD);
            take(message);
        }
        if state.queue.is_empty() && state.queue.capacity() > 64 {
            // An idle connection owns no buffer.
            state.queue = VecDeque::new();
        }
    }

    /// The kernel has taken that many messages of the holder whole.
    pub fn written(&self, messages: usize, bytes: usize) {
        let waiting = {
            let mut state = lock(&self.state);
            state.greeting &= messages == 0;
            state.messages = state.messages.saturating_sub(messages);
            state.bytes = state.bytes.saturating_sub(bytes);
            state.waiting > 0
        };
        if waiting {
            self.room.notify_all();
        }
    }

    /// There may be room under a new bound. The limit is the caller's, so those who wait look again with theirs.
    pub fn bounds_changed(&self) {
        self.room.notify_all();
    }

    /// Whether the connection `serial` has nothing more to take.
    pub fn is_empty(&self, serial: u64) -> bool {
        let state = lock(&self.state);
        state.queue.is_empty() || !state.is_handed_to(serial)
    }

    /// Messages and payload bytes not yet taken by the kernel.
    pub fn waiting(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.messages + self.past_messages.load(Relaxed), state.bytes + self.past_bytes.load(Relaxed))
    }

    /// What messages count in the bound.
    pub(super) fn cost_of(messages: usize, bytes: usize) -> usize {
        bytes.saturating_add(messages.saturating_mul(OVERHEAD))
    }

    /// Opens the way past the queue for the connection `serial`; false when something waits, or may not be sent.
    pub(super) fn cork(&self, serial: u64) -> bool {
        let state = lock(&self.state);
        let free = state.open && state.messages == 0 && state.is_handed_to(serial);
        self.corked.store(free, Relaxed);
        free
    }

    /// Whether the way past the queue is still open.
    pub(super) fn is_corked(&self) -> bool {
        self.corked.load(Relaxed)
    }

    /// So much has gone past the queue.
    pub(super) fn passed(&self, messages: usize, bytes: usize) {
        // One writer: no locked instruction needed.
        self.past_messages.store(messages, Relaxed);
        self.past_bytes.store(bytes, Relaxed);
    }

    /// What has gone past the queue counts in it from now on, until it is [`Outbox::written`].
    pub(super) fn book_passed(&self) {
        let mut state = self.change();
        state.messages += self.past_messages.load(Relaxed);
        state.bytes += self.past_bytes.load(Relaxed);
        self.passed(0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(outbox: &Outbox, text: &str) -> Option<u64> {
        outbox.push(Message::text(text), || 1000, Wait::No).unwrap()
    }

    fn take(outbox: &Outbox, serial: u64, count: usize) -> Vec<Message> {
        let mut taken = Vec::new();
        for _ in 0..count {
            outbox.take(serial, 1, |message| taken.push(message));
        }
        taken
    }

    fn texts(messages: &[Message]) -> Vec<&str> {
        messages.iter().filter_map(Message::as_str).collect()
    }

    #[test]
    fn what_was_not_written_is_sent_by_the_next_connection_in_order() {
        let outbox = Outbox::default();
        outbox.open();
        outbox.attach(1, Some(Message::text("hello")));
        for text in ["a", "b", "c", "d"] {
            assert_eq!(push(&outbox, text), Some(1));
        }
        let staged = take(&outbox, 1, 4);
        assert_eq!(texts(&staged), ["hello", "a", "b", "c"]);
        outbox.written(2, 6);
        outbox.detach(1, staged[2..].iter().cloned());
        assert_eq!(push(&outbox, "e"), None, "nobody is there to be flushed");
        assert_eq!(outbox.waiting(), (4, 4));
        assert!(take(&outbox, 1, 1).is_empty(), "the old one gets nothing more");
        outbox.attach(2, Some(Message::text("again")));
        assert_eq!(texts(&take(&outbox, 2, 9)), ["again", "b", "c", "d", "e"]);
        outbox.written(5, 9);
        assert_eq!(outbox.waiting(), (0, 0));
    }

    #[test]
    fn a_greeting_that_was_not_written_is_not_sent_by_another() {
        for taken in [0, 1, 2] {
            let outbox = Outbox::default();
            outbox.open();
            outbox.attach(1, Some(Message::text("hello")));
            push(&outbox, "a");
            let staged = take(&outbox, 1, taken);
            assert_eq!(staged.len(), taken);
            outbox.detach(1, staged.into_iter());
            assert_eq!(outbox.waiting(), (1, 1));
            outbox.attach(2, None);
            assert_eq!(texts(&take(&outbox, 2, 9)), ["a"]);
        }
    }

    #[test]
    fn who_takes_over_waits_until_the_other_has_detached() {
        let outbox = Outbox::default();
        outbox.open();
        outbox.attach(1, None);
        push(&outbox, "a");
        push(&outbox, "b");
        let staged = take(&outbox, 1, 1);
        outbox.attach(2, Some(Message::text("hello")));
        assert!(outbox.is_empty(1) && outbox.is_empty(2));
        assert!(take(&outbox, 1, 1).is_empty() && take(&outbox, 2, 1).is_empty());
        outbox.detach(1, staged.into_iter());
        assert_eq!(texts(&take(&outbox, 2, 9)), ["hello", "a", "b"]);
    }

    #[test]
    fn a_sealed_one_keeps_what_waits() {
        let outbox = Outbox::default();
        outbox.open();
        outbox.attach(1, None);
        push(&outbox, "a");
        outbox.seal(1);
        assert!(outbox.is_empty(1) && take(&outbox, 1, 1).is_empty());
        push(&outbox, "b");
        outbox.detach(1, std::iter::empty());
        outbox.attach(2, None);
        assert_eq!(texts(&take(&outbox, 2, 9)), ["a", "b"]);
    }
}
