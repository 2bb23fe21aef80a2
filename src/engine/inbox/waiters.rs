//! Calls that wait, what they want, and which of them is to be woken.

use super::reply::Examiner;
use crate::engine::connection::IoHandle;
use crate::engine::shared::Signal;
use crate::net::CompactInstant;
use std::sync::{Arc, Condvar};
use std::time::Duration;

/// What a call wants from the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The next message; other events before it are discarded.
    Message,
    Any,
}

/// What has become of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    Queued,
    /// The handler must be run.
    ForHandler,
    /// This thread has been woken, and may borrow the loop instead of waiting again.
    ForBorrower(usize),
}

/// A waiting call. Each has its own condition variable, so that exactly the longest waiting one is woken.
pub struct Waiter {
    pub want: Want,
    pub thread: usize,
    pub ready: Condvar,
}

/// Sent once the lock is free: a woken call needs it first of all, and waking is a system call.
pub struct Wakeups {
    pub waiter: Option<Arc<Waiter>>,
    pub leader: Option<IoHandle>,
    pub signals: Vec<Arc<Signal>>,
    pub examiner: Option<Examiner>,
}

impl Wakeups {
    pub fn send(self) {
        self.waiter.iter().for_each(|waiter| waiter.ready.notify_one());
        self.leader.iter().for_each(|events| events.notify());
        self.signals.iter().for_each(|signal| signal.notify());
        self.examiner.into_iter().for_each(Examiner::notify);
    }
}

/// Waits that begin no further apart than this follow each other closely.
const FREQUENT_WITHIN: Duration = Duration::from_micros(500);
/// So many of them in a row make it worth while to run the loop.
pub const FREQUENT_AFTER: u32 = 8;

/// How closely the waits of the host's threads follow each other.
#[derive(Default)]
pub struct WaitRate {
    pub last: Option<CompactInstant>,
    pub frequent: u32,
}

impl WaitRate {
    /// A wait begins.
    pub fn wait_begins(&mut self) {
        let now = CompactInstant::now();
        let before = self.last.replace(now);
        let frequent = before.is_some_and(|before| now.saturating_duration_since(before) <= FREQUENT_WITHIN);
        self.frequent = if frequent { self.frequent.saturating_add(1) } else { 0 };
    }
}
