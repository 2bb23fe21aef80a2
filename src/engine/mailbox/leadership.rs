//! Leader/followers: which thread runs the loop of an I/O thread, that thread itself or, for a time, a host thread that
//! waits in `receive`.
//!
//! Usually a batch of messages costs two context switches: the I/O thread wakes the receiver, and what the receiver
//! sends next wakes the I/O thread. If eight waits in a row each begin within 500 µs of the one before, and the process
//! has one object and one I/O thread, the I/O thread parks its loop in [`LentLoop`] and waits on a condition variable.
//! The next `receive` borrows the loop and runs rounds until its queue has what it wants; what the host sends meanwhile
//! goes out with the next wait.
//!
//! Between two receives no thread polls the sockets. So the I/O thread checks every [`TICK`] whether the loop was
//! borrowed since, and takes it back if not. It is woken at once for what a borrower must not do: commands of other
//! threads, timers, TLS, accepting, handlers ([`Rounds::round_for_host`]).

use crate::engine::shared::lock;
use crate::library;
use crate::net::Waker;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::SeqCst};
use crate::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a lent loop may stay unused before the I/O thread takes it back: between one and two of these.
const TICK: Duration = Duration::from_millis(1);
/// After so many ticks during one borrow, when little arrives, the I/O thread sleeps until the loop is given back.
const QUIET: u32 = 16;

/// A thread runs the loop and will look at the commands before it polls.
pub(super) const RUNNING: u8 = 0;
/// The loop is inside its poll, or about to be: a thread that posts a command must wake it.
const POLLING: u8 = 1;
/// The loop is parked; the borrower is expected back.
pub(super) const LENT: u8 = 2;

/// A loop that a host thread may borrow.
pub trait Rounds {
    /// Whether commands or readiness wait that no round has handled.
    fn has_work(&self) -> bool;

    /// One round on a host's thread, which waits for events no longer than `timeout` (`None`: without limit). No
    /// handler and no TLS code runs there; false when the next thing to do needs the I/O thread.
    fn round_for_host(&mut self, timeout: Option<Duration>) -> bool;
}

/// The state of the loop, for the threads that post commands.
pub struct Leadership<L> {
    pub(super) state: AtomicU8,
    /// The queue of the borrower has changed by other means than a command.
    pub(super) notified: AtomicBool,
    /// The thread that has borrowed the loop or may borrow it again, see [`library::this_thread`].
    pub(super) borrower: AtomicUsize,
    pub(super) lent: Mutex<LentLoop<L>>,
    /// The I/O thread waits here while the loop is lent.
    pub(super) returned: Condvar,
}

pub(super) struct LentLoop<L> {
    /// The loop, while it is lent and no thread runs it.
    pub(super) parked: Option<Box<L>>,
    /// The I/O thread must take the loop back.
    pub(super) reclaimed: bool,
    /// Counts borrows and returns.
    pub(super) borrows: u64,
    /// The I/O thread waits without a time limit: giving the loop back must wake it.
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

    /// A command was sent. Plain reads and writes that the borrower itself asks for can wait until it borrows the loop
    /// again.
    pub fn sent(&self, plain_io: bool, waker: &Waker) {
        match self.state.load(SeqCst) {
            POLLING => self.wake(waker),
            LENT if !plain_io || self.borrower.load(SeqCst) != library::this_thread() => self.reclaim(),
            _ => {}
        }
    }

    /// Makes the borrower look at its queue.
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
        // Of several threads only one wakes it.
        if self.state.compare_exchange(POLLING, RUNNING, SeqCst, SeqCst).is_ok() {
            waker.wake();
        }
    }

    /// Announces that the loop is about to poll; false when work has come meanwhile, which `is_idle` is asked for.
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

    /// [`Leadership::reclaim`] at the end of the process, where a thread that holds a lock may have been stopped.
    pub fn reclaim_at_exit(&self, waker: &Waker) {
        self.wake(waker);
        if let Ok(mut lent) = self.lent.try_lock() {
            lent.reclaimed |= lent.parked.is_some();
            self.returned.notify_one();
        }
    }

    pub(super) fn reclaim(&self) {
        let mut lent = lock(&self.lent);
        // While the loop is borrowed the borrower sees what has been sent.
        if lent.parked.is_some() && !std::mem::replace(&mut lent.reclaimed, true) {
            drop(lent);
            self.returned.notify_one();
        }
    }
}

impl<L: Rounds> Leadership<L> {
    /// On the I/O thread: lends the loop to the thread `borrower`, and returns with it when it stays unused or the I/O
    /// thread is needed.
    pub fn wait_while_lent(&self, events: Box<L>, borrower: usize, is_awaited: impl FnOnce() -> bool) -> Box<L> {
        self.borrower.store(borrower, SeqCst);
        self.park(&mut lock(&self.lent), events);
        // The borrower may have begun to wait just before, and not have got the loop.
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

    /// Parks the loop. A command that was sent before relied on the thread that ran it, so it is checked for here.
    pub(super) fn park(&self, lent: &mut LentLoop<L>, events: Box<L>) {
        self.state.store(LENT, SeqCst);
        lent.reclaimed |= events.has_work();
        lent.parked = Some(events);
    }
}
