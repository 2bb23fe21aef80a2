//! The signal: what is notified before or during a wait ends it.

use crate::engine::shared::signal::Signal;
use crate::explore;
use crate::sync::Arc;
use loom::thread;

fn wakes(notifiers: usize) {
    explore(move || {
        let signal = Arc::new(Signal::default());
        let others: Vec<_> = (0..notifiers)
            .map(|_| {
                let signal = signal.clone();
                thread::spawn(move || signal.notify())
            })
            .collect();
        // Without a limit: a lost wake-up would never end.
        assert!(signal.wait(None));
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn a_wait_and_a_notification() {
    wakes(1);
}

#[test]
fn a_wait_and_two_notifications() {
    wakes(2);
}
