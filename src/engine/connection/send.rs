//! Telling an I/O thread that a connection has something to send.
//!
//! Whether it must be told is found out where the message is queued, perhaps under a lock of the caller's; telling may
//! wake the thread with a system call, so that comes after the lock.

use super::ask::Ask;
use super::state::{Connection, IoHandle};
use crate::engine::outbox::Outgoing;
use crate::engine::shared::Wait;
use crate::error::{Error, Result};
use crate::ws::MessageCow;
use std::collections::VecDeque;
use std::sync::Arc;

/// The wake-up that a queued message still needs; [`PendingFlush::post`] sends it once the lock of the caller is free.
/// Empty when the I/O thread knows already.
#[must_use]
pub struct PendingFlush(Option<Inner>);

struct Inner {
    connection: Arc<Connection>,
    /// No flush is pending, so one must be posted.
    new: bool,
    /// The loop is lent and idle, and this message cannot wait until it is borrowed again.
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

    /// The same for several, with one wake-up for each I/O thread.
    pub fn post_all(pending: Vec<Self>) {
        let pending = || pending.iter().filter_map(|pending| pending.0.as_ref());
        for Inner { connection, .. } in pending().filter(|inner| inner.new) {
            connection.io.ask_quietly(connection, Ask::Flush);
        }
        let mut told: Option<&IoHandle> = None;
        for Inner { connection, new, reclaim } in pending() {
            // Telling a thread twice costs little, and none of them twice as a rule: connections share one.
            if *new && told.replace(&connection.io).is_none_or(|before| !before.is(&connection.io)) {
                connection.io.tell(true);
            }
            if *reclaim {
                connection.io.reclaim_if_lent();
            }
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

    /// The same, but leaves the wake-up to the caller.
    pub fn queue<'a>(
        self: &Arc<Self>,
        message: impl Into<MessageCow<'a>>,
        limit: impl Fn() -> usize,
        timeout: Wait,
    ) -> Result<PendingFlush> {
        let accepted = self.outbox.push(message.into(), limit, timeout)?;
        Ok(self.pending_flush(accepted.above_half))
    }

    /// Queues what is for this connection at the front of `part`, without waiting, and leaves the wake-up to the caller;
    /// how many, and why the next one was not.
    pub fn queue_run(
        self: &Arc<Self>,
        part: &mut VecDeque<Outgoing<'_>>,
        limit: usize,
    ) -> (usize, Option<PendingFlush>, Option<Error>) {
        let run = self.outbox.push_run(part, limit);
        let pending = run.accepted.map(|accepted| self.pending_flush(accepted.above_half));
        (run.messages, pending.filter(|pending| pending.0.is_some()), run.failure)
    }

    /// Tells the I/O thread that there is something to send; `above_half`: the queue is more than half full.
    pub fn flush(self: &Arc<Self>, above_half: bool) {
        self.pending_flush(above_half).post();
    }

    fn pending_flush(self: &Arc<Self>, above_half: bool) -> PendingFlush {
        let new = self.flush_flag.raise();
        let reclaim = self.io.is_lent() && (above_half || !self.io.is_lent_to_me());
        PendingFlush((new || reclaim).then(|| Inner { connection: self.clone(), new, reclaim }))
    }
}
