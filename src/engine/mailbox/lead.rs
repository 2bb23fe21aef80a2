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
pub(super) const AWAKE: u8 = 0;
/// The loop is, or is about to be, inside its poll: somebody who brings work must wake it.
const ASLEEP: u8 = 1;
/// A guest has left the loop and is expected back.
pub(super) const VACANT: u8 = 2;

/// A loop that a guest may run.
pub trait Rounds {
    /// Whether something was brought that nobody has looked at.
    fn has_work(&self) -> bool;

    /// One round on a host's thread, which waits for news no longer than `patience` (`None`: without limit). No handler may
    /// run there and no TLS library; false when the next thing to do is beyond that, so that the thread must go on.
    fn round_for_host(&mut self, patience: Option<Duration>) -> bool;
}

/// The loop's state, for those who bring work.
pub struct Lead<L> {
    pub(super) mood: AtomicU8,
    /// Something has come by another way than the commands.
    pub(super) look: AtomicBool,
    /// The thread that is expected back, see [`library::this_thread`].
    pub(super) borrower: AtomicUsize,
    pub(super) floor: Mutex<Floor<L>>,
    /// The I/O thread waits here while it stands by.
    pub(super) stand_by: Condvar,
}

pub(super) struct Floor<L> {
    /// While nobody runs it and the thread stands by.
    pub(super) vacant: Option<Box<L>>,
    /// The thread is to take over.
    pub(super) recalled: bool,
    /// Counts how often guests came and left.
    pub(super) borrows: u64,
    /// The thread does not look by itself: the guest who leaves wakes it.
    pub(super) sleeps: bool,
}

impl<L> Lead<L> {
    pub fn new() -> Self {
        Self {
            mood: AtomicU8::new(AWAKE),
            look: AtomicBool::new(false),
            borrower: AtomicUsize::new(0),
            floor: Mutex::new(Floor { vacant: None, recalled: false, borrows: 0, sleeps: false }),
            stand_by: Condvar::new(),
        }
    }

    /// A command was sent. Reading and writing can wait until the guest, who asks for them, is back.
    pub fn sent(&self, everyday: bool, waker: &Waker) {
        match self.mood.load(SeqCst) {
            ASLEEP => self.wake(waker),
            VACANT if !everyday || self.borrower.load(SeqCst) != library::this_thread() => self.recall(),
            _ => {}
        }
    }

    /// Makes a guest look at his queue.
    pub fn look(&self, waker: &Waker) {
        self.look.store(true, SeqCst);
        if self.mood.load(SeqCst) == ASLEEP {
            self.wake(waker);
        }
    }

    pub fn is_looked_for(&self) -> bool {
        self.look.load(SeqCst)
    }

    fn wake(&self, waker: &Waker) {
        // One of several wakes it.
        if self.mood.compare_exchange(ASLEEP, AWAKE, SeqCst, SeqCst).is_ok() {
            waker.wake();
        }
    }

    /// Announces that the loop goes to sleep; false when work has come in the meantime, which `is_idle` is asked.
    pub fn fall_asleep(&self, is_idle: impl FnOnce() -> bool) -> bool {
        self.mood.store(ASLEEP, SeqCst);
        if !self.look.swap(false, SeqCst) && is_idle() {
            return true;
        }
        self.mood.store(AWAKE, SeqCst);
        false
    }

    pub fn wake_up(&self) {
        self.mood.store(AWAKE, SeqCst);
    }

    /// The same at the end of the process, where whoever holds a lock may have been stopped.
    pub fn recall_last(&self, waker: &Waker) {
        self.wake(waker);
        if let Ok(mut floor) = self.floor.try_lock() {
            floor.recalled |= floor.vacant.is_some();
            self.stand_by.notify_one();
        }
    }

    pub(super) fn recall(&self) {
        let mut floor = lock(&self.floor);
        // Without the loop on the floor a guest is inside, who sees what has been sent.
        if floor.vacant.is_some() && !std::mem::replace(&mut floor.recalled, true) {
            drop(floor);
            self.stand_by.notify_one();
        }
    }
}

impl<L: Rounds> Lead<L> {
    /// On the I/O thread: leaves the loop to `borrower` until he stays away or has something for the thread.
    pub fn stand_by(&self, events: Box<L>, borrower: usize, is_awaited: impl FnOnce() -> bool) -> Box<L> {
        self.borrower.store(borrower, SeqCst);
        self.vacate(&mut lock(&self.floor), events);
        // He may have come back just before, and waits for the thread.
        if is_awaited() {
            self.recall();
        }
        let mut floor = lock(&self.floor);
        let (mut borrows, mut ticks) = (floor.borrows, 0);
        loop {
            if std::mem::take(&mut floor.recalled)
                && let Some(events) = floor.vacant.take()
            {
                return self.take_over(events);
            }
            floor.sleeps = ticks >= QUIET;
            if floor.sleeps {
                floor = self.stand_by.wait(floor).unwrap_or_else(PoisonError::into_inner);
            } else {
                floor = self.stand_by.wait_timeout(floor, TICK).unwrap_or_else(PoisonError::into_inner).0;
            }
            ticks += 1;
            if floor.borrows != borrows {
                (borrows, ticks) = (floor.borrows, 0);
            } else if !floor.recalled
                && let Some(events) = floor.vacant.take()
            {
                return self.take_over(events);
            }
        }
    }

    fn take_over(&self, events: Box<L>) -> Box<L> {
        self.mood.store(AWAKE, SeqCst);
        events
    }

    /// Lays the loop down. Who has sent a command before that relied on whoever ran it.
    pub(super) fn vacate(&self, floor: &mut Floor<L>, events: Box<L>) {
        self.mood.store(VACANT, SeqCst);
        floor.recalled |= events.has_work();
        floor.vacant = Some(events);
    }
}
