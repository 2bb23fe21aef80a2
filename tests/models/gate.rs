//! The gate: whoever has closed it and waited finds nobody inside, and no wake-up is lost.

use crate::engine::shared::gate::Gate;
use crate::explore;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// What the calls use and the one that closes destroys: loom reports when both do at a time.
#[derive(Default)]
struct Guarded {
    gate: Gate,
    object: UnsafeCell<u32>,
}

fn closes_while_others_enter(callers: usize) {
    explore(move || {
        let guarded = Arc::new(Guarded::default());
        let calls: Vec<_> = (0..callers)
            .map(|_| {
                let guarded = guarded.clone();
                thread::spawn(move || {
                    if let Ok(_inside) = guarded.gate.enter() {
                        guarded.object.with(|object| assert_eq!(unsafe { *object }, 0));
                    }
                })
            })
            .collect();
        assert!(guarded.gate.close());
        guarded.gate.wait_empty();
        guarded.object.with_mut(|object| unsafe { *object = 1 });
        assert!(guarded.gate.enter().is_err() && !guarded.gate.close());
        calls.into_iter().for_each(|call| call.join().unwrap());
    });
}

#[test]
fn a_call_and_a_close() {
    closes_while_others_enter(1);
}

#[test]
fn two_calls_and_a_close() {
    closes_while_others_enter(2);
}

/// A call that frees its own object waits for the others only.
#[test]
fn one_of_the_calls_closes() {
    explore(|| {
        let guarded = Arc::new(Guarded::default());
        let other = guarded.clone();
        let call = thread::spawn(move || {
            if let Ok(_inside) = other.gate.enter() {
                other.object.with(|_| {});
            }
        });
        let own = guarded.gate.enter().unwrap();
        guarded.gate.close();
        guarded.gate.wait_left(1);
        guarded.object.with_mut(|_| {});
        drop(own);
        call.join().unwrap();
    });
}
