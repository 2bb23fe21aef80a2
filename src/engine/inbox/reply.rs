//! A request and its reply.

use crate::engine::shared::lock;
use crate::error::Id;
use crate::ws::Message;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};

pub enum ReplyState {
    Awaited,
    Reply(Message),
    /// Unless one of the messages before [`InFlight::until`] is the reply.
    Ended(Id),
}

/// A request that waits for its reply. All that changes is written under the queue's lock.
pub struct InFlight {
    pub field: String,
    /// As it was written.
    pub id: String,
    /// The connection's serial.
    pub connection: u64,
    /// Messages with these numbers may be the reply.
    pub from: u64,
    pub until: AtomicU64,
    pub reply_state: Mutex<ReplyState>,
    /// Looking at messages is to stop.
    pub stops: AtomicBool,
    pub ready: Condvar,
}

impl InFlight {
    /// Whether the message of that number may be the reply.
    pub fn expects(&self, number: u64) -> bool {
        (self.from..self.until.load(SeqCst)).contains(&number)
    }

    pub fn answer(&self, reply: Message) {
        *lock(&self.reply_state) = ReplyState::Reply(reply);
        self.stops.store(true, SeqCst);
        self.ready.notify_all();
    }

    /// Nothing from the message `until` on is the reply. The first reason counts.
    pub fn end(&self, why: Id, until: u64) {
        let mut reply_state = lock(&self.reply_state);
        if matches!(*reply_state, ReplyState::Awaited) {
            *reply_state = ReplyState::Ended(why);
        }
        drop(reply_state);
        self.until.fetch_min(until, SeqCst);
        if until == 0 {
            self.stops.store(true, SeqCst);
        }
        self.ready.notify_all();
    }

    /// How it has come out, now that all messages before `seen` have been looked at.
    pub fn outcome(&self, seen: u64) -> Option<Result<Message, Id>> {
        let mut reply_state = lock(&self.reply_state);
        if matches!(*reply_state, ReplyState::Ended(_)) && self.until.load(SeqCst) > seen.max(self.from) {
            return None;
        }
        match std::mem::replace(&mut *reply_state, ReplyState::Awaited) {
            ReplyState::Awaited => None,
            ReplyState::Reply(message) => Some(Ok(message)),
            ReplyState::Ended(why) => Some(Err(why)),
        }
    }
}

/// Notified with the lock free.
pub struct Examiner(pub Arc<InFlight>);

impl Examiner {
    pub fn notify(self) {
        self.0.ready.notify_all();
    }
}
