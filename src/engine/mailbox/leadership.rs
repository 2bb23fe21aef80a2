//! Who runs the loop of an I/O thread: the thread itself or, for a while, a call that waits for what the loop brings.
//!
//! A host thread that takes message after message pays for each batch with two threads that put each other to sleep and
//! wake each other up, and with cache lines that travel between their cores. So once its waits follow each other closely
//! the thread makes way: it hands over a batch and stands by, and the call that waits next runs the loop, as a guest.
//! What it brings lies in the queue as ever, and what the host sends meanwhile goes out with the next wait.
//!
//! Between two waits nobody runs the loop. The thread looks every [`TICK`] whether the guest has come back, and goes on
//! itself when it has not; it is woken at once when others bring work, or for all that is not a guest's business
//! ([`Rounds::round_for_host`]). Only the one object of the process is served like that: nobody else waits for a guest.

use crate::engine::shared::lock;
use crate::library;
use crate::net::Waker;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long the thread leaves the loop to a guest who does not come back: between one and two of these.
const TICK: Duration = Duration::from_millis(1);
/// After so many ticks with the same guest inside, which are those of a quiet time, the thread sleeps until he leaves.
const QUIET: u32 = 16;

/// Somebody runs the loop and will look at the commands before it sleeps.
pub(super) const RUNNING: u8 = 0;
/// The loop is, or is about to be, inside its poll: somebody who brings work must wake it.
const POLLING: u8 = 1;
/// A guest has left the loop and is expected back.
pub(super) const LENT: u8 = 2;

/// A loop that a guest may run.
pub trait Rounds {
    /// Whether something was brought that nobody has looked at.
    fn has_work(&self) -> bool;

    /// One round on a host's thread, which waits for news no longer than `timeout` (`None`: without limit). No handler may
    /// run there and no TLS library; false when the next thing to do is beyond that, so that the thread must go on.
    fn round_for_host(&mut self, timeout: Option<Duration>) -> bool;
}

/// The loop's state, for those who bring work.
pub struct Leadership<L> {
    pub(super) state: AtomicU8,
    /// Something has come by another way than the commands.
    pub(super) notified: AtomicBool,
    /// The thread that is expected back, see [`library::this_thread`].
    pub(super) borrower: AtomicUsize,
    pub(super) lent: Mutex<LentLoop<L>>,
    /// The I/O thread waits here while it stands by.
    pub(super) returned: Condvar,
}

pub(super) struct LentLoop<L> {
    /// While nobody runs it and the thread stands by.
    pub(super) parked: Option<Box<L>>,
    /// The thread is to take over.
    pub(super) reclaimed: bool,
    /// Counts how often guests came and left.
    pub(super) borrows: u64,
    /// The thread does not look by itself: the guest who leaves wakes it.
    pub(super) sleeps: bool,
}

impl<L> Leadership<L> {
    pub fn new() -> Self {
        Self {
            state: AtomicU8::new(RUNNING),
            notified: AtomicBool::new(false),
            borrower: AtomicUsize::new(0),
            lent: Mutex::new(LentLoop { parked: None, reclaimed: false, borrows: 0, sleeps: false }),
            returned: Condvar::new(),
        }
    }

    /// A command was sent. Reading and writing can wait until the guest, who asks for them, is back.
    pub fn sent(&self, plain_io: bool, waker: &Waker) {
        match self.state.load(SeqCst) {
            POLLING => self.wake(waker),
            LENT if !plain_io || self.borrower.load(SeqCst) != library::this_thread() => self.reclaim(),
            _ => {}
        }
    }

    /// Makes a guest look at his queue.
    pub fn notify(&self, waker: &Waker) {
        self.notified.store(true, SeqCst);
        if self.state.load(SeqCst) == POLLING {
            self.wake(waker);
        }
    }

    pub fn is_notified(&self) -> bool {
        self.notified.load(SeqCst)
    }

    fn wake(&self, waker: &Waker) {
        // One of several wakes it.
        if self.state.compare_exchange(POLLING, RUNNING, SeqCst, SeqCst).is_ok() {
            waker.wake();
        }
    }

    /// Announces that the loop goes to sleep; false when work has come in the meantime, which `is_idle` is asked.
    pub fn begin_poll(&self, is_idle: impl FnOnce() -> bool) -> bool {
        self.state.store(POLLING, SeqCst);
        if !self.notified.swap(false, SeqCst) && is_idle() {
            return true;
        }
        self.state.store(RUNNING, SeqCst);
        false
    }

    pub fn end_poll(&self) {
        self.state.store(RUNNING, SeqCst);
    }

    /// The same at the end of the process, where whoever holds a lock may have been stopped.
    pub fn reclaim_at_exit(&self, waker: &Waker) {
        self.wake(waker);
        if let Ok(mut lent) = self.lent.try_lock() {
            lent.reclaimed |= lent.parked.is_some();
            self.returned.notify_one();
        }
    }

    pub(super) fn reclaim(&self) {
        let mut lent = lock(&self.lent);
        // Without the loop on the floor a guest is inside, who sees what has been sent.
        if lent.parked.is_some() && !std::mem::replace(&mut lent.reclaimed, true) {
            drop(lent);
            self.returned.notify_one();
        }
    }
}

impl<L: Rounds> Leadership<L> {
    /// On the I/O thread: leaves the loop to `borrower` until he stays away or has something for the thread.
    pub fn wait_while_lent(&self, events: Box<L>, borrower: usize, is_awaited: impl FnOnce() -> bool) -> Box<L> {
        self.borrower.store(borrower, SeqCst);
        self.park(&mut lock(&self.lent), events);
        // He may have come back just before, and waits for the thread.
        if is_awaited() {
            self.reclaim();
        }
        let mut lent = lock(&self.lent);
        let (mut borrows, mut ticks) = (lent.borrows, 0);
        loop {
            if std::mem::take(&mut lent.reclaimed)
                && let Some(events) = lent.parked.take()
            {
                return self.take_over(events);
            }
            lent.sleeps = ticks >= QUIET;
            if lent.sleeps {
                lent = self.returned.wait(lent).unwrap_or_else(PoisonError::into_inner);
            } else {
                lent = self.returned.wait_timeout(lent, TICK).unwrap_or_else(PoisonError::into_inner).0;
            }
            ticks += 1;
            if lent.borrows != borrows {
                (borrows, ticks) = (lent.borrows, 0);
            } else if !lent.reclaimed
                && let Some(events) = lent.parked.take()
            {
                return self.take_over(events);
            }
        }
    }

    fn take_over(&self, events: Box<L>) -> Box<L> {
        self.state.store(RUNNING, SeqCst);
        events
    }

    /// Lays the loop down. Who has sent a command before that relied on whoever ran it.
    pub(super) fn park(&self, lent: &mut LentLoop<L>, events: Box<L>) {
        self.state.store(LENT, SeqCst);
        lent.reclaimed |= events.has_work();
        lent.parked = Some(events);
    }
}
