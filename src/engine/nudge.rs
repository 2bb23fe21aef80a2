//! Telling an I/O thread that a connection has something to send.
//!
//! What must be told is found out where the message is queued, perhaps under a lock of the caller's; telling may wake
//! the thread with a system call, so that comes after the lock.

use super::command::Command;
use super::connection::Connection;
use super::event::Wait;
use super::outbox::Pushed;
use super::rest::has_time;
use super::runtime::IoHandle;
use crate::error::Result;
use crate::ws::Message;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// What is left to do for a message that was queued; [`Nudge::give`] does it.
#[must_use]
pub enum Nudge {
    /// The I/O thread knows already.
    None,
    Flush {
        connection: Arc<Connection>,
        /// A dozing thread need not be woken.
        late: bool,
    },
    /// It knows, but may be waiting for more.
    Hurry(IoHandle),
}

impl Nudge {
    pub fn give(self) {
        match self {
            Nudge::None => {}
            Nudge::Flush { connection, late: false } => connection.io.post(Command::Flush(connection.clone())),
            Nudge::Flush { connection, late: true } => connection.io.post_late(Command::Flush(connection.clone())),
            Nudge::Hurry(io) => io.hurry(),
        }
    }
}

impl Connection {
    /// Queues a message. Waits for room no longer than `patience`; the I/O thread does the rest.
    pub fn send(self: &Arc<Self>, message: Message, limit: impl Fn() -> usize, patience: Wait) -> Result<()> {
        self.queue(message, limit, patience).map(Nudge::give)
    }

    /// The same, but for what is left to do then.
    pub fn queue(self: &Arc<Self>, message: Message, limit: impl Fn() -> usize, patience: Wait) -> Result<Nudge> {
        let size = message.data().len();
        let pushed = self.outbox.push(message, limit, patience)?;
        Ok(self.nudge_for(size, pushed))
    }

    /// After a message of `size` bytes was queued, which leaves at once or with what the host sends next.
    pub fn nudge_for(self: &Arc<Self>, size: usize, pushed: Pushed) -> Nudge {
        self.nudge(has_time(size) && !pushed.crowded)
    }

    /// Tells the I/O thread that there is something to send.
    pub fn flush(self: &Arc<Self>) {
        self.nudge(false).give();
    }

    fn nudge(self: &Arc<Self>, late: bool) -> Nudge {
        // Relaxed, because the queue's lock orders this: the thread clears the mark before it locks the queue, so who
        // has queued before that is seen there, and who does it later sees the mark cleared.
        if !self.dirty.load(Relaxed) && !self.dirty.swap(true, SeqCst) {
            return Nudge::Flush { connection: self.clone(), late };
        }
        if late || !self.io.is_dozing() { Nudge::None } else { Nudge::Hurry(self.io.clone()) }
    }
}
