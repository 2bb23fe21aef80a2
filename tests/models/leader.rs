//! Wake-ups and leader/follower: whatever is sent to a loop is done, wherever the loop is just then, and one thread at a
//! time runs it.

use crate::engine::mailbox::leadership::Rounds;
use crate::engine::mailbox::post::Mailbox;
use crate::engine::shared::Deadline;
use crate::explore;
use crate::library::set_this_thread;
use crate::sync::atomic::Ordering::SeqCst;
use loom::cell::UnsafeCell;
use loom::thread;

/// The numbers that `this_thread` has.
const IO_THREAD: usize = 1;
const BORROWER: usize = 2;

struct Loop {
    mailbox: Mailbox<(), Loop>,
    /// Loom reports when two threads run it.
    done: UnsafeCell<usize>,
}

impl Loop {
    fn new(mailbox: &Mailbox<(), Self>) -> Box<Self> {
        Box::new(Self { mailbox: mailbox.clone(), done: UnsafeCell::new(0) })
    }

    fn run(&mut self) -> usize {
        let mail = self.mailbox.0.mail.load(SeqCst);
        self.done.with_mut(|done| unsafe { *done = mail });
        mail
    }
}

impl Rounds for Loop {
    fn has_work(&self) -> bool {
        self.mailbox.0.mail.load(SeqCst) != self.done.with(|done| unsafe { *done })
    }

    fn round_for_host(&mut self, _: Option<std::time::Duration>) -> bool {
        self.run();
        true
    }
}

/// Rounds of an I/O thread until so much was done.
fn rounds(mailbox: &Mailbox<(), Loop>, events: &mut Box<Loop>, all: usize) {
    while events.run() < all {
        if mailbox.leadership().begin_poll(|| !events.has_work()) {
            mailbox.0.waker.poll();
            mailbox.leadership().end_poll();
        }
    }
}

fn a_poll_ends_by_what_is_sent(senders: usize) {
    explore(move || {
        let mailbox = Mailbox::new();
        let others: Vec<_> = (0..senders)
            .map(|_| {
                let mailbox = mailbox.clone();
                thread::spawn(move || mailbox.send(true))
            })
            .collect();
        rounds(&mailbox, &mut Loop::new(&mailbox), senders);
        others.into_iter().for_each(|other| other.join().unwrap());
        drop(mailbox);
    });
}

#[test]
fn a_loop_and_a_sender() {
    a_poll_ends_by_what_is_sent(1);
}

#[test]
fn a_loop_and_two_senders() {
    a_poll_ends_by_what_is_sent(2);
}

/// A command that the borrower must not leave lying, while the loop is being lent.
fn takes_a_lent_loop_back(plain_io: bool) {
    explore(move || {
        let mailbox = Mailbox::new();
        let other = mailbox.clone();
        let sender = thread::spawn(move || other.send(plain_io));
        set_this_thread(IO_THREAD);
        let mut events = mailbox.leadership().wait_while_lent(Loop::new(&mailbox), BORROWER, || false);
        rounds(&mailbox, &mut events, 1);
        sender.join().unwrap();
    });
}

#[test]
fn a_command_takes_a_lent_loop_back() {
    takes_a_lent_loop_back(false);
}

/// Only what the borrower itself sends may wait for it.
#[test]
fn a_write_of_another_thread_takes_a_lent_loop_back() {
    takes_a_lent_loop_back(true);
}

/// The loop is lent, borrowed and given back, while a third thread sends: nothing is left undone.
#[test]
fn a_loop_that_is_borrowed_and_a_sender() {
    explore(|| {
        let mailbox = Mailbox::new();
        let (host, other) = (mailbox.clone(), mailbox.clone());
        let borrower = thread::spawn(move || {
            set_this_thread(BORROWER);
            if let Some(mut guard) = host.try_borrow() {
                guard.round(Deadline::Never);
            }
        });
        let sender = thread::spawn(move || other.send(false));
        set_this_thread(IO_THREAD);
        let mut events = mailbox.leadership().wait_while_lent(Loop::new(&mailbox), BORROWER, || false);
        rounds(&mailbox, &mut events, 1);
        borrower.join().unwrap();
        sender.join().unwrap();
    });
}
