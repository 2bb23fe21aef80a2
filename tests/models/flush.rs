//! The hand-over of what is sent: every message that was pushed is taken by a flush, however often the I/O thread is not
//! told again.

use crate::engine::connection::flush_flag::FlushFlag;
use crate::explore;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

struct Sending {
    outbox: Mutex<usize>,
    flag: FlushFlag,
    /// The flushes that were posted, and the I/O thread that waits for one.
    posted: Mutex<usize>,
    post: Condvar,
}

impl Sending {
    /// As a connection does.
    fn send(&self) {
        *self.outbox.lock().unwrap() += 1;
        if self.flag.raise() {
            *self.posted.lock().unwrap() += 1;
            self.post.notify_one();
        }
    }

    /// As the I/O thread does: waits for a flush, which would be for ever if one got lost.
    fn flush(&self) -> usize {
        let mut posted = self.posted.lock().unwrap();
        while *posted == 0 {
            posted = self.post.wait(posted).unwrap();
        }
        *posted -= 1;
        drop(posted);
        self.flag.clear();
        std::mem::take(&mut *self.outbox.lock().unwrap())
    }
}

fn all_is_taken(senders: usize, messages: usize) {
    explore(move || {
        let (outbox, flag, posted, post) = (Mutex::new(0), FlushFlag::new(), Mutex::new(0), Condvar::new());
        let sending = Arc::new(Sending { outbox, flag, posted, post });
        // Made here, and not by the thread that happens to use it first.
        sending.flag.clear();
        let threads: Vec<_> = (0..senders)
            .map(|_| {
                let sending = sending.clone();
                thread::spawn(move || (0..messages).for_each(|_| sending.send()))
            })
            .collect();
        let mut taken = 0;
        while taken < senders * messages {
            taken += sending.flush();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn one_sender_of_three_messages() {
    all_is_taken(1, 3);
}

#[test]
fn two_senders() {
    all_is_taken(2, 1);
}
