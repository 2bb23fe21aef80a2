//! Telling an I/O thread that a connection has something to send.
//!
//! Whether it must be told is found out where the message is queued, perhaps under a lock of the caller's; telling may
//! wake the thread with a system call, so that comes after the lock.

use super::ask::Ask;
use super::state::Connection;
use crate::engine::shared::Wait;
use crate::error::Result;
use crate::ws::MessageCow;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// What is left to do for a message that was queued; [`PendingFlush::post`] does it. Nothing when the I/O thread knows.
#[must_use]
pub struct PendingFlush(Option<Inner>);

struct Inner {
    connection: Arc<Connection>,
    /// It is the first message since the queue was looked at.
    new: bool,
    /// Nobody runs the loop, and this cannot wait for who is expected back.
    reclaim: bool,
}

impl PendingFlush {
    pub fn post(self) {
        let Some(Inner { connection, new, reclaim }) = self.0 else { return };
        if new {
            connection.io.ask(&connection, Ask::Flush);
        }
        if reclaim {
            connection.io.reclaim_if_lent();
        }
    }
}

impl Connection {
    /// Queues a message. Waits for room no longer than `timeout`; the I/O thread does the rest.
    pub fn send<'a>(
        self: &Arc<Self>,
        message: impl Into<MessageCow<'a>>,
        limit: impl Fn() -> usize,
        timeout: Wait,
    ) -> Result<()> {
        self.queue(message, limit, timeout).map(PendingFlush::post)
    }

    /// The same, but for what is left to do then.
    pub fn queue<'a>(
        self: &Arc<Self>,
        message: impl Into<MessageCow<'a>>,
        limit: impl Fn() -> usize,
        timeout: Wait,
    ) -> Result<PendingFlush> {
        let accepted = self.outbox.push(message.into(), limit, timeout)?;
        Ok(self.pending_flush(accepted.above_half))
    }

    /// Tells the I/O thread that there is something to send, or that it presses.
    pub fn flush(self: &Arc<Self>, above_half: bool) {
        self.pending_flush(above_half).post();
    }

    fn pending_flush(self: &Arc<Self>, above_half: bool) -> PendingFlush {
        // Relaxed, because the queue's lock orders this: the thread clears the mark before it locks the queue, so who
        // has queued before that is seen there, and who does it later sees the mark cleared.
        let told = self.dirty.load(Relaxed) || self.dirty.swap(true, SeqCst);
        let reclaim = self.io.is_lent() && (above_half || !self.io.is_lent_to_me());
        PendingFlush((!told || reclaim).then(|| Inner { connection: self.clone(), new: !told, reclaim }))
    }
}
