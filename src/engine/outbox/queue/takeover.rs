//! What waits goes from the connection whose session was taken over to the one that has taken it.

use super::{Outbox, Waiting};
use crate::error::Id;

impl Outbox {
    /// Closes it and hands out what waits, for the connection that has taken the session over. Its own connection has
    /// ended.
    pub fn drain(&self) -> Waiting {
        let messages = {
            let mut state = self.change();
            state.finish(Id::ClosedWhileWaiting);
            state.closed = true;
            (state.messages, state.bytes) = (0, 0);
            std::mem::take(&mut state.queue)
        };
        self.room.notify_all();
        messages
    }

    /// Puts the unsent messages of the previous connection in front of everything queued here and ends one
    /// [`Outbox::block_for_takeover`]; the caller then flushes. If this outbox was closed meanwhile, or there is no memory
    /// for their places, they are dropped, and their number is returned.
    pub fn prepend(&self, mut messages: Waiting) -> usize {
        let mut state = self.change();
        state.blocked = state.blocked.saturating_sub(1);
        if state.closed {
            return messages.len();
        }
        let (count, bytes) = (messages.len(), messages.bytes());
        if !messages.append(&mut state.queue) {
            return count;
        }
        state.messages += count;
        state.bytes += bytes;
        state.queue = messages;
        0
    }
}
