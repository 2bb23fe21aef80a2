//! Telling an I/O thread that a connection has something to send.
//!
//! Whether it must be told is found out where the message is queued, perhaps under a lock of the caller's; telling may
//! wake the thread with a system call, so that comes after the lock.

use super::command::Command;
use super::connection::Connection;
use super::event::Wait;
use crate::error::Result;
use crate::ws::Draft;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// What is left to do for a message that was queued; [`Nudge::give`] does it. Nothing when the I/O thread knows.
#[must_use]
pub struct Nudge(Option<Arc<Connection>>);

impl Nudge {
    pub fn give(self) {
        if let Some(connection) = self.0 {
            connection.io.post(Command::Flush(connection.clone()));
        }
    }
}

impl Connection {
    /// Queues a message. Waits for room no longer than `patience`; the I/O thread does the rest.
    pub fn send<'a>(
        self: &Arc<Self>,
        message: impl Into<Draft<'a>>,
        limit: impl Fn() -> usize,
        patience: Wait,
    ) -> Result<()> {
        self.queue(message, limit, patience).map(Nudge::give)
    }

    /// The same, but for what is left to do then.
    pub fn queue<'a>(
        self: &Arc<Self>,
        message: impl Into<Draft<'a>>,
        limit: impl Fn() -> usize,
        patience: Wait,
    ) -> Result<Nudge> {
        self.outbox.push(message.into(), limit, patience)?;
        Ok(self.nudge())
    }

    /// Tells the I/O thread that there is something to send.
    pub fn flush(self: &Arc<Self>) {
        self.nudge().give();
    }

    fn nudge(self: &Arc<Self>) -> Nudge {
        // Relaxed, because the queue's lock orders this: the thread clears the mark before it locks the queue, so who
        // has queued before that is seen there, and who does it later sees the mark cleared.
        let told = self.dirty.load(Relaxed) || self.dirty.swap(true, SeqCst);
        Nudge((!told).then(|| self.clone()))
    }
}
