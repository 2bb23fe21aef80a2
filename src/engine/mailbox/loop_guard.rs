//! A host call that borrows the loop while it waits ([`super::leadership`]).

use super::leadership::{LENT, RUNNING, Rounds};
use super::post::Mailbox;
use crate::engine::shared::{Deadline, lock, set_borrower};
use crate::library;
use crate::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

impl<M, L> Mailbox<M, L> {
    /// Takes the loop back if it is lent: another call waits for what it brings, or much waits to be sent.
    pub fn reclaim_if_lent(&self) {
        if self.is_lent() {
            self.leadership().reclaim();
        }
    }

    /// Whether the calling thread is the borrower, running the loop or expected to.
    pub fn is_lent_to_me(&self) -> bool {
        self.leadership().borrower.load(SeqCst) == library::this_thread()
    }

    /// Whether the loop is lent and no thread runs it just now.
    pub fn is_lent(&self) -> bool {
        self.leadership().state.load(SeqCst) == LENT
    }
}

impl<M, L: Rounds> Mailbox<M, L> {
    /// Borrows the loop if it is lent. The guard is dropped when the wait is over.
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

/// The borrowed loop; dropping this gives it back.
pub struct LoopGuard<M, L: Rounds> {
    mailbox: Mailbox<M, L>,
    events: Option<Box<L>>,
    /// The I/O thread takes over afterwards; also when a panic ends the borrow.
    reclaim: bool,
}

impl<M, L: Rounds> LoopGuard<M, L> {
    pub fn events(&self) -> Mailbox<M, L> {
        self.mailbox.clone()
    }

    /// Clears the notification: the queue is looked at now.
    pub fn clear_notified(&self) {
        self.mailbox.leadership().notified.store(false, SeqCst);
    }

    /// One round of the loop, waiting no longer than until `deadline`; false when the loop must be given back.
    pub fn round(&mut self, deadline: Deadline) -> bool {
        let Some(events) = &mut self.events else { return false };
        let timeout = deadline.left().unwrap_or(Some(Duration::ZERO));
        events.round_for_host(timeout)
    }

    /// Gives the loop back; while no `others` wait for what it brings it stays lent.
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
