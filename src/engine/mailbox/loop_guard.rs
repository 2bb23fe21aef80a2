//! A call that waits and runs the loop meanwhile ([`super::lead`]).

use super::lead::{AWAKE, Rounds, VACANT};
use super::post::Mailbox;
use crate::engine::shared::{Deadline, lock, set_borrower};
use crate::library;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

impl<M, L> Mailbox<M, L> {
    /// Somebody waits for what the loop brings, or much waits for the loop: nobody is left to come back to it.
    pub fn hurry(&self) {
        if self.is_vacant() {
            self.lead().recall();
        }
    }

    /// The caller's thread is the guest, inside or expected back.
    pub fn expects_me(&self) -> bool {
        self.lead().borrower.load(SeqCst) == library::this_thread()
    }

    /// Nobody runs the loop just now.
    pub fn is_vacant(&self) -> bool {
        self.lead().mood.load(SeqCst) == VACANT
    }
}

impl<M, L: Rounds> Mailbox<M, L> {
    /// Takes the lead if it was left for a guest. Drop it when the wait is over.
    pub fn try_borrow(&self) -> Option<LoopGuard<M, L>> {
        let lead = self.lead();
        if !self.is_vacant() {
            return None;
        }
        let mut floor = lock(&lead.floor);
        if floor.recalled {
            return None;
        }
        let events = floor.vacant.take()?;
        floor.borrows += 1;
        lead.borrower.store(library::this_thread(), SeqCst);
        lead.mood.store(AWAKE, SeqCst);
        drop(floor);
        set_borrower(true);
        Some(LoopGuard { mailbox: self.clone(), events: Some(events), recall: true })
    }
}

/// A guest inside the loop.
pub struct LoopGuard<M, L: Rounds> {
    mailbox: Mailbox<M, L>,
    events: Option<Box<L>>,
    /// The thread is to go on; also when a panic ends the visit.
    recall: bool,
}

impl<M, L: Rounds> LoopGuard<M, L> {
    pub fn events(&self) -> Mailbox<M, L> {
        self.mailbox.clone()
    }

    /// Forgets what it was to look at.
    pub fn look_away(&self) {
        self.mailbox.lead().look.store(false, SeqCst);
    }

    /// One round of the loop, waiting no longer than until `deadline`; false when the visit must end.
    pub fn round(&mut self, deadline: Deadline) -> bool {
        let Some(events) = &mut self.events else { return false };
        let patience = deadline.left().unwrap_or(Some(Duration::ZERO));
        events.round_for_host(patience)
    }

    /// Ends it; without `others` who wait for what the loop brings the guest is expected back.
    pub fn give_back(mut self, others: bool) {
        self.recall = others;
    }
}

impl<M, L: Rounds> Drop for LoopGuard<M, L> {
    fn drop(&mut self) {
        let Some(events) = self.events.take() else { return };
        let lead = self.mailbox.lead();
        let mut floor = lock(&lead.floor);
        floor.borrows += 1;
        lead.vacate(&mut floor, events);
        floor.recalled |= self.recall;
        let wake = floor.recalled || floor.sleeps;
        drop(floor);
        if wake {
            lead.stand_by.notify_one();
        }
        set_borrower(false);
    }
}
