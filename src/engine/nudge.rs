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
pub struct Nudge(Option<(Arc<Connection>, Why)>);

enum Why {
    /// The first message since the queue was looked at.
    New,
    /// There are many, and nobody runs the loop.
    Many,
}

impl Nudge {
    pub fn give(self) {
        match self.0 {
            Some((connection, Why::New)) => connection.io.post(Command::Flush(connection.clone())),
            Some((connection, Why::Many)) => connection.io.hurry(),
            None => {}
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
        let accepted = self.outbox.push(message.into(), limit, patience)?;
        Ok(self.nudge(accepted.presses))
    }

    /// Tells the I/O thread that there is something to send, or that it presses.
    pub fn flush(self: &Arc<Self>, presses: bool) {
        self.nudge(presses).give();
    }

    fn nudge(self: &Arc<Self>, presses: bool) -> Nudge {
        // Relaxed, because the queue's lock orders this: the thread clears the mark before it locks the queue, so who
        // has queued before that is seen there, and who does it later sees the mark cleared.
        let told = self.dirty.load(Relaxed) || self.dirty.swap(true, SeqCst);
        let why = match told {
            false => Some(Why::New),
            true if presses && self.io.is_vacant() => Some(Why::Many),
            true => None,
        };
        Nudge(why.map(|why| (self.clone(), why)))
    }
}
