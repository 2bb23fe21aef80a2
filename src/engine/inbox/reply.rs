//! A request and its reply.

use crate::engine::shared::lock;
use crate::error::Id;
use crate::ws::Message;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};

pub enum Fate {
    Awaited,
    Reply(Message),
    /// Unless one of the messages before [`Pending::until`] is the reply.
    Ended(Id),
}

/// A request that waits for its reply. All that changes is written under the queue's lock.
pub struct Pending {
    pub field: String,
    /// As it was written.
    pub id: String,
    /// The connection's serial.
    pub connection: u64,
    /// Messages with these numbers may be the reply.
    pub from: u64,
    pub until: AtomicU64,
    pub fate: Mutex<Fate>,
    /// Looking at messages is to stop.
    pub stops: AtomicBool,
    pub ready: Condvar,
}

impl Pending {
    /// Whether the message of that number may be the reply.
    pub fn expects(&self, number: u64) -> bool {
        (self.from..self.until.load(SeqCst)).contains(&number)
    }

    pub fn answer(&self, reply: Message) {
        *lock(&self.fate) = Fate::Reply(reply);
        self.stops.store(true, SeqCst);
        self.ready.notify_all();
    }

    /// Nothing from the message `until` on is the reply. The first reason counts.
    pub fn end(&self, why: Id, until: u64) {
        let mut fate = lock(&self.fate);
        if matches!(*fate, Fate::Awaited) {
            *fate = Fate::Ended(why);
        }
        drop(fate);
        self.until.fetch_min(until, SeqCst);
        if until == 0 {
            self.stops.store(true, SeqCst);
        }
        self.ready.notify_all();
    }

    /// How it has come out, now that all messages before `seen` have been looked at.
    pub fn outcome(&self, seen: u64) -> Option<Result<Message, Id>> {
        let mut fate = lock(&self.fate);
        if matches!(*fate, Fate::Ended(_)) && self.until.load(SeqCst) > seen.max(self.from) {
            return None;
        }
        match std::mem::replace(&mut *fate, Fate::Awaited) {
            Fate::Awaited => None,
            Fate::Reply(message) => Some(Ok(message)),
            Fate::Ended(why) => Some(Err(why)),
        }
    }
}

/// Rung with the lock free.
pub struct Examiner(pub Arc<Pending>);

impl Examiner {
    pub fn notify(self) {
        self.0.ready.notify_all();
    }
}
