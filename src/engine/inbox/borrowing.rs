//! Calls that run the loop while they wait ([`crate::engine::mailbox`]).

use super::state::{Inbox, State};
use super::waiters::{FREQUENT_AFTER, Want};
use crate::engine::connection::{IoHandle, LoopGuard};
use crate::engine::shared::Deadline;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::MutexGuard;

impl State {
    /// Whether something besides a single receiving call relies on what the loop brings.
    pub(super) fn has_others(&self) -> bool {
        !self.waiters.is_empty() || !self.signals.is_empty() || !self.requests.is_empty() || self.dispatch.is_set()
    }

    /// The thread whose call has just been served, if it is the only one and receives often enough to borrow the loop.
    pub(super) fn next_borrower(&self) -> Option<usize> {
        let alone = self.waiters.len() == 1 && self.signals.is_empty() && self.requests.is_empty();
        let alone = alone && self.leader.is_none();
        // Mio's sockets on Windows belong to the thread that has asked for their readiness.
        let waiter =
            self.waiters.front().filter(|_| cfg!(unix) && alone && self.wait_rate.frequent >= FREQUENT_AFTER)?;
        self.satisfies(waiter.want).then_some(waiter.thread)
    }

    pub(super) fn try_borrow_loop(&mut self) -> Option<LoopGuard> {
        if self.has_others() {
            return None;
        }
        self.open_loop.as_ref()?.try_borrow()
    }
}

impl Inbox {
    /// The next call that waits may run this loop.
    pub(in crate::engine) fn offer_loop(&self, events: &IoHandle) {
        self.lock().open_loop = Some(events.clone());
    }

    /// Takes a lent loop back, because a call waits in another way than by receiving.
    pub(in crate::engine) fn reclaim_if_lent(&self) {
        self.lock().open_loop.iter().for_each(IoHandle::reclaim_if_lent);
    }

    /// Whether a call waits for what the I/O thread brings.
    pub(in crate::engine) fn is_awaited(&self) -> bool {
        let state = self.lock();
        // The call that has just been served may not have got a processor yet.
        state.has_others() && state.next_borrower().is_none()
    }

    /// One round of the loop; whether the loop may be kept, and whether there was time.
    pub(super) fn run_round<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        borrowed: &mut LoopGuard,
        want: Want,
        deadline: Deadline,
    ) -> (MutexGuard<'a, State>, bool, bool) {
        let in_time = deadline.left().is_some();
        // All notifications until now concern what this call has just checked, under this lock.
        borrowed.clear_notified();
        state.leader = Some((want, borrowed.events()));
        drop(state);
        // A panic must not keep other calls from the queue.
        let stay = catch_unwind(AssertUnwindSafe(|| borrowed.round(deadline))).unwrap_or(false);
        let mut state = self.lock();
        state.leader = None;
        (state, stay, in_time)
    }
}
