//! What a connection has accepted and the kernel has not yet taken.

use super::event::Wait;
use super::sync::{Deadline, lock, wait};
use crate::error::{Error, Id, Result};
use crate::ws::Message;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};

/// What a message costs besides its payload in the bound, so that empty ones are bounded, too.
const OVERHEAD: usize = 16;

#[derive(Default)]
struct State {
    queue: VecDeque<Message>,
    /// Payload bytes of `queue` and of what the I/O thread has staged and not finished.
    bytes: usize,
    messages: usize,
    open: bool,
    /// For good: an end that was asked for before the connection opened holds, too.
    finished: bool,
    waiting: usize,
}

impl State {
    fn cost(&self) -> usize {
        self.bytes + self.messages * OVERHEAD
    }
}

/// The send queue of one connection.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
    room: Condvar,
}

impl Outbox {
    /// From now on messages are accepted.
    pub fn open(&self) {
        let mut state = lock(&self.state);
        state.open = !state.finished;
    }

    /// Refuses messages from now on, drops what waits and wakes who waits for room.
    pub fn close(&self) {
        let dropped = {
            let mut state = lock(&self.state);
            (state.open, state.finished) = (false, true);
            std::mem::take(&mut state.queue)
        };
        drop(dropped);
        self.room.notify_all();
    }

    /// Refuses messages from now on, because the host closes; what was accepted is still sent.
    pub fn finish(&self) {
        {
            let mut state = lock(&self.state);
            (state.open, state.finished) = (false, true);
        }
        self.room.notify_all();
    }

    /// Queues a message while there is room for it under `limit()` bytes, waiting for room no longer than `patience`.
    /// An empty queue takes any one message.
    pub fn push(&self, message: Message, limit: impl Fn() -> usize, patience: Wait) -> Result<()> {
        let size = message.data().len();
        let mut state = lock(&self.state);
        let mut deadline = None;
        loop {
            if !state.open {
                return Err(Error::of(match (deadline, state.finished) {
                    (None, _) => Id::NotConnected,
                    (Some(_), true) => Id::Cancelled,
                    (Some(_), false) => Id::ClosedWhileWaiting,
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
        Ok(())
    }

    /// Moves messages to `take` until about `room` bytes are there.
    pub fn take(&self, mut room: usize, mut take: impl FnMut(Message)) {
        let mut state = lock(&self.state);
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

    /// The kernel has taken that many messages whole.
    pub fn written(&self, messages: usize, bytes: usize) {
        let waiting = {
            let mut state = lock(&self.state);
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

    pub fn is_empty(&self) -> bool {
        lock(&self.state).queue.is_empty()
    }

    /// Messages and payload bytes not yet taken by the kernel.
    pub fn waiting(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.messages, state.bytes)
    }
}
