//! A call that waits and runs the loop meanwhile ([`super::leadership`]).

use super::leadership::{LENT, RUNNING, Rounds};
use super::post::Mailbox;
use crate::engine::shared::{Deadline, lock, set_borrower};
use crate::library;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

impl<M, L> Mailbox<M, L> {
    /// Somebody waits for what the loop brings, or much waits for the loop: nobody is left to come back to it.
    pub fn reclaim_if_lent(&self) {
        if self.is_lent() {
            self.leadership().reclaim();
        }
    }

    /// The caller's thread is the guest, inside or expected back.
    pub fn is_lent_to_me(&self) -> bool {
        self.leadership().borrower.load(SeqCst) == library::this_thread()
    }

    /// Nobody runs the loop just now.
    pub fn is_lent(&self) -> bool {
        self.leadership().state.load(SeqCst) == LENT
    }
}

impl<M, L: Rounds> Mailbox<M, L> {
    /// Takes the lead if it was left for a guest. Drop it when the wait is over.
    pub fn try_borrow(&self) -> Option<LoopGuard<M, L>> {
        let leadership = self.leadership();
        if !self.is_lent() {
            return None;
        }
        let mut lent = lock(&leadership.lent);
        if lent.reclaimed {
            return None;
        }
        let events = lent.parked.take()?;
        lent.borrows += 1;
        leadership.borrower.store(library::this_thread(), SeqCst);
        leadership.state.store(RUNNING, SeqCst);
        drop(lent);
        set_borrower(true);
        Some(LoopGuard { mailbox: self.clone(), events: Some(events), reclaim: true })
    }
}

/// A guest inside the loop.
pub struct LoopGuard<M, L: Rounds> {
    mailbox: Mailbox<M, L>,
    events: Option<Box<L>>,
    /// The thread is to go on; also when a panic ends the visit.
    reclaim: bool,
}

impl<M, L: Rounds> LoopGuard<M, L> {
    pub fn events(&self) -> Mailbox<M, L> {
        self.mailbox.clone()
    }

    /// Forgets what it was to look at.
    pub fn clear_notified(&self) {
        self.mailbox.leadership().notified.store(false, SeqCst);
    }

    /// One round of the loop, waiting no longer than until `deadline`; false when the visit must end.
    pub fn round(&mut self, deadline: Deadline) -> bool {
        let Some(events) = &mut self.events else { return false };
        let timeout = deadline.left().unwrap_or(Some(Duration::ZERO));
        events.round_for_host(timeout)
    }

    /// Ends it; without `others` who wait for what the loop brings the guest is expected back.
    pub fn give_back(mut self, others: bool) {
        self.reclaim = others;
    }
}

impl<M, L: Rounds> Drop for LoopGuard<M, L> {
    fn drop(&mut self) {
        let Some(events) = self.events.take() else { return };
        let leadership = self.mailbox.leadership();
        let mut lent = lock(&leadership.lent);
        lent.borrows += 1;
        leadership.park(&mut lent, events);
        lent.reclaimed |= self.reclaim;
        let wake = lent.reclaimed || lent.sleeps;
        drop(lent);
        if wake {
            leadership.returned.notify_one();
        }
        set_borrower(false);
    }
}
