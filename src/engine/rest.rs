//! When an I/O thread sleeps, and who wakes it.
//!
//! A host thread that works off its queue sends one answer after another. Were the I/O thread woken for the first, it
//! would write each of them alone, with a system call and two changes of the running thread for a few bytes. So after
//! it has handed over several messages it only *dozes*: for a moment, during which answers to them do not wake it. Who
//! takes the last message, or finds the queue empty, wakes it ([`take_time`], [`Rest::hurry`]). A host that is slower
//! than that moment is waited for once; from then on each answer wakes the thread.

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst, fence};
use std::time::Duration;

/// The longest that an answer waits for others. The system's waits are as fine as this.
pub(super) const DOZE: Duration = Duration::from_millis(1);
/// Payload bytes that may wait: while the host goes on, so should the system.
const SLACK: usize = 64 * 1024;

thread_local! {
    /// What this host thread may still send before the I/O thread is woken. Without a destructor, so that the thread
    /// keeps nothing of ours.
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

/// A host thread has taken a message, and more wait (or not): what it sends now may wait for its next answers.
pub(super) fn take_time(more: bool) {
    LEFT.set(match LEFT.get() {
        _ if !more => 0,
        // What was sent last has woken the thread.
        0 => SLACK,
        left => left,
    });
}

/// Whether what a host thread sends may wait for its next answers.
pub(super) fn has_time(size: usize) -> bool {
    let left = LEFT.get();
    LEFT.set(left.saturating_sub(size));
    left > size
}

const AWAKE: u8 = 0;
const DOZING: u8 = 1;
const ASLEEP: u8 = 2;

/// Whether an I/O thread is, or is about to be, inside its poll.
#[derive(Default)]
pub(super) struct Rest(AtomicU8);

impl Rest {
    /// The thread is about to sleep, and looks for work once more after this.
    pub fn fall_asleep(&self, doze: bool) {
        self.0.store(if doze { DOZING } else { ASLEEP }, SeqCst);
        fence(SeqCst);
    }

    pub fn wake_up(&self) {
        self.0.store(AWAKE, SeqCst);
    }

    /// After bringing work: whether the thread must be woken, which is then the caller's duty.
    pub fn must_wake(&self) -> bool {
        self.0.swap(AWAKE, SeqCst) != AWAKE
    }

    /// The same for work that a dozing thread need not be woken for.
    pub fn must_wake_for_late(&self) -> bool {
        fence(SeqCst);
        self.0.load(SeqCst) == ASLEEP && self.must_wake()
    }

    pub fn is_dozing(&self) -> bool {
        self.0.load(SeqCst) == DOZING
    }

    /// The same for work that was brought before and did not wake it.
    pub fn must_hurry(&self) -> bool {
        self.is_dozing() && self.must_wake()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_may_wait_wakes_sleepers_only() {
        let rest = Rest::default();
        assert!(!rest.must_wake() && !rest.must_wake_for_late() && !rest.must_hurry());
        rest.fall_asleep(true);
        assert!(!rest.must_wake_for_late());
        assert!(rest.must_hurry() && !rest.must_hurry() && !rest.must_wake(), "one wakes it");
        rest.fall_asleep(false);
        assert!(!rest.must_hurry());
        assert!(rest.must_wake_for_late() && !rest.must_wake_for_late());
    }

    #[test]
    fn time_ends_with_the_queue_and_with_the_bytes() {
        assert!(!has_time(0), "nothing was taken");
        take_time(true);
        assert!(has_time(SLACK / 2));
        take_time(true);
        assert!(has_time(SLACK / 4) && !has_time(SLACK / 2) && !has_time(1), "it is for all answers together");
        take_time(true);
        take_time(false);
        assert!(!has_time(1));
    }
}
