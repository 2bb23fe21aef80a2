//! Who runs the loop of an I/O thread: the thread itself or, for a while, a call that waits for what the loop brings.
//!
//! A host thread that takes message after message pays for each batch with two threads that put each other to sleep and
//! wake each other up, and with cache lines that travel between their cores. So once its waits follow each other closely
//! the thread makes way: it hands over a batch and stands by, and the call that waits next runs the loop, as a guest.
//! What it brings lies in the queue as ever, and what the host sends meanwhile goes out with the next wait.
//!
//! Between two waits nobody runs the loop. The thread looks every [`TICK`] whether the guest has come back, and goes on
//! itself when it has not; it is woken at once when others bring work, or for all that is not a guest's business
//! ([`EventLoop::round`]). Only the one object of the process is served like that: nobody else waits for a guest.

use crate::engine::runtime::{EventLoop, IoHandle, Runner};
use crate::engine::shared::{Deadline, lock, set_guest};
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
const AWAKE: u8 = 0;
/// The loop is, or is about to be, inside its poll: somebody who brings work must wake it.
const ASLEEP: u8 = 1;
/// A guest has left the loop and is expected back.
const VACANT: u8 = 2;

/// The loop's state, for those who bring work.
pub struct Lead {
    mood: AtomicU8,
    /// Something has come by another way than the commands.
    look: AtomicBool,
    /// The thread that is expected back, see [`library::this_thread`].
    guest: AtomicUsize,
    floor: Mutex<Floor>,
    /// The I/O thread waits here while it stands by.
    stand_by: Condvar,
}

#[derive(Default)]
struct Floor {
    /// While nobody runs it and the thread stands by.
    vacant: Option<Box<EventLoop>>,
    /// The thread is to take over.
    recalled: bool,
    /// Counts how often guests came and left.
    visits: u64,
    /// The thread does not look by itself: the guest who leaves wakes it.
    sleeps: bool,
}

impl Lead {
    pub fn new() -> Self {
        Self {
            mood: AtomicU8::new(AWAKE),
            look: AtomicBool::new(false),
            guest: AtomicUsize::new(0),
            floor: Mutex::default(),
            stand_by: Condvar::new(),
        }
    }

    /// A command was sent. Reading and writing can wait until the guest, who asks for them, is back.
    pub fn sent(&self, everyday: bool, waker: &Waker) {
        match self.mood.load(SeqCst) {
            ASLEEP => self.wake(waker),
            VACANT if !everyday || self.guest.load(SeqCst) != library::this_thread() => self.recall(),
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

    fn recall(&self) {
        let mut floor = lock(&self.floor);
        // Without the loop on the floor a guest is inside, who sees what has been sent.
        if floor.vacant.is_some() && !std::mem::replace(&mut floor.recalled, true) {
            drop(floor);
            self.stand_by.notify_one();
        }
    }

    /// On the I/O thread: leaves the loop to `guest` until he stays away or has something for the thread.
    pub fn stand_by(&self, events: Box<EventLoop>, guest: usize, is_awaited: impl FnOnce() -> bool) -> Box<EventLoop> {
        self.guest.store(guest, SeqCst);
        self.vacate(&mut lock(&self.floor), events);
        // He may have come back just before, and waits for the thread.
        if is_awaited() {
            self.recall();
        }
        let mut floor = lock(&self.floor);
        let (mut visits, mut ticks) = (floor.visits, 0);
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
            if floor.visits != visits {
                (visits, ticks) = (floor.visits, 0);
            } else if !floor.recalled
                && let Some(events) = floor.vacant.take()
            {
                return self.take_over(events);
            }
        }
    }

    fn take_over(&self, events: Box<EventLoop>) -> Box<EventLoop> {
        self.mood.store(AWAKE, SeqCst);
        events
    }

    /// Lays the loop down. Who has sent a command before that relied on whoever ran it.
    fn vacate(&self, floor: &mut Floor, events: Box<EventLoop>) {
        self.mood.store(VACANT, SeqCst);
        floor.recalled |= events.has_work();
        floor.vacant = Some(events);
    }
}

impl IoHandle {
    /// Somebody waits for what the loop brings, or much waits for the loop: nobody is left to come back to it.
    pub(in crate::engine) fn hurry(&self) {
        if self.is_vacant() {
            self.lead().recall();
        }
    }

    /// The caller's thread is the guest, inside or expected back.
    pub(in crate::engine) fn expects_me(&self) -> bool {
        self.lead().guest.load(SeqCst) == library::this_thread()
    }

    /// Nobody runs the loop just now.
    pub(in crate::engine) fn is_vacant(&self) -> bool {
        self.lead().mood.load(SeqCst) == VACANT
    }

    /// Takes the lead if it was left for a guest. Drop it when the wait is over.
    pub(in crate::engine) fn visit(&self) -> Option<Visit> {
        let lead = self.lead();
        if !self.is_vacant() {
            return None;
        }
        let mut floor = lock(&lead.floor);
        if floor.recalled {
            return None;
        }
        let events = floor.vacant.take()?;
        floor.visits += 1;
        lead.guest.store(library::this_thread(), SeqCst);
        lead.mood.store(AWAKE, SeqCst);
        drop(floor);
        set_guest(true);
        Some(Visit { io: self.clone(), events: Some(events), recall: true })
    }
}

/// A guest inside the loop.
pub struct Visit {
    io: IoHandle,
    events: Option<Box<EventLoop>>,
    /// The thread is to go on; also when a panic ends the visit.
    recall: bool,
}

impl Visit {
    pub fn events(&self) -> IoHandle {
        self.io.clone()
    }

    /// Forgets what it was to look at.
    pub fn look_away(&self) {
        self.io.lead().look.store(false, SeqCst);
    }

    /// One round of the loop, waiting no longer than until `deadline`; false when the visit must end.
    pub fn round(&mut self, deadline: Deadline) -> bool {
        let Some(events) = &mut self.events else { return false };
        let patience = deadline.left().unwrap_or(Some(Duration::ZERO));
        // What the loop calls could be a point of cancellation, and unwind through frames that do not expect it.
        library::without_cancellation(|| events.round(Runner::Guest(patience)).is_ok())
    }

    /// Ends it; without `others` who wait for what the loop brings the guest is expected back.
    pub fn leave(mut self, others: bool) {
        self.recall = others;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let Some(events) = self.events.take() else { return };
        let lead = self.io.lead();
        let mut floor = lock(&lead.floor);
        floor.visits += 1;
        lead.vacate(&mut floor, events);
        floor.recalled |= self.recall;
        let wake = floor.recalled || floor.sleeps;
        drop(floor);
        if wake {
            lead.stand_by.notify_one();
        }
        set_guest(false);
    }
}
