//! Handing something over to an I/O thread, which is woken only if it sleeps.

use super::leadership::Leadership;
use crate::net::Waker;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::sync::Arc;

struct Shared<M, L> {
    mail: Sender<M>,
    waker: Waker,
    leadership: Leadership<L>,
}

/// The way to an I/O thread, shared by all threads that send it something. Neither what is sent nor the loop that the
/// thread runs is known here.
pub struct Mailbox<M, L>(Arc<Shared<M, L>>);

// By hand: a derive would ask the same of what is brought, and of the loop.
impl<M, L> Clone for Mailbox<M, L> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M, L> Mailbox<M, L> {
    /// Of a thread that `waker` wakes; it takes what is brought out of the receiver.
    pub fn new(waker: Waker) -> (Self, Receiver<M>) {
        let (mail, receiver) = unbounded();
        (Self(Arc::new(Shared { mail, waker, leadership: Leadership::new() })), receiver)
    }

    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Hands over, in order. `plain_io` only goes on with reading or writing: if the borrower itself asks for it, it
    /// can wait until that thread borrows the loop again.
    pub fn send(&self, mail: M, plain_io: bool) {
        // Fails only when the thread has ended, and then nothing depends on it.
        if self.0.mail.send(mail).is_ok() {
            self.0.leadership.sent(plain_io, &self.0.waker);
        }
    }

    /// Hands over without telling the thread; [`Mailbox::tell`] follows.
    pub fn put(&self, mail: M) {
        // As above.
        let _ = self.0.mail.send(mail);
    }

    /// Tells the thread of what was put there.
    pub fn tell(&self, plain_io: bool) {
        self.0.leadership.sent(plain_io, &self.0.waker);
    }

    /// The same at the end of a process, where a thread that holds a lock may have been stopped.
    pub fn send_at_last(&self, mail: M) {
        if self.0.mail.send(mail).is_ok() {
            self.0.leadership.reclaim_at_exit(&self.0.waker);
        }
    }

    /// Makes a call that runs the borrowed loop look at its queue.
    pub fn notify(&self) {
        self.0.leadership.notify(&self.0.waker);
    }

    pub fn leadership(&self) -> &Leadership<L> {
        &self.0.leadership
    }
}

#[cfg(test)]
impl<M, L> Mailbox<M, L> {
    /// Of a thread that does nothing.
    pub fn without_thread() -> Self {
        Self::new(crate::net::Reactor::new().unwrap().waker()).0
    }
}
