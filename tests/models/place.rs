//! The place of a handle: nobody reads an object that was taken out, and a handle that was freed stays bad.

use crate::capi::Place;
use crate::explore;
use loom::cell::UnsafeCell;
use loom::thread;
use std::sync::Arc;

/// Loom reports a use at the time of the end, or after it.
struct Object(UnsafeCell<u32>);

// SAFETY: the threads of a model take turns, and loom watches what they do with the cell.
unsafe impl Sync for Object {}

impl Object {
    fn new(value: u32) -> Arc<Self> {
        Arc::new(Self(UnsafeCell::new(value)))
    }

    fn value(&self) -> u32 {
        self.0.with(|value| unsafe { *value })
    }

    fn end(&self) {
        self.0.with_mut(|value| unsafe { *value = 0 });
    }
}

fn frees_while_others_call(callers: usize) {
    explore(move || {
        let object = Object::new(1);
        let place = loom::sync::Arc::new(Place::of(7, &object));
        let calls: Vec<_> = (0..callers)
            .map(|_| {
                let place = place.clone();
                thread::spawn(move || {
                    let seen = place.call(7, Object::value);
                    assert!(matches!(seen, None | Some(1)), "{seen:?}");
                })
            })
            .collect();
        assert!(place.remove(7));
        object.end();
        assert!(place.call(7, Object::value).is_none());
        calls.into_iter().for_each(|call| call.join().unwrap());
    });
}

#[test]
fn a_call_and_a_free() {
    frees_while_others_call(1);
}

#[test]
fn two_calls_and_a_free() {
    frees_while_others_call(2);
}

/// The place goes to the next object at once; calls with the old handle do not get that one.
#[test]
fn the_next_object_and_an_old_handle() {
    explore(|| {
        let (first, second) = (Object::new(1), Object::new(2));
        let place = loom::sync::Arc::new(Place::of(7, &first));
        let other = place.clone();
        let call = thread::spawn(move || {
            let seen = other.call(7, Object::value);
            assert!(matches!(seen, None | Some(1)), "{seen:?}");
        });
        assert!(place.remove(7));
        first.end();
        place.put(8, &second);
        assert_eq!(place.call(8, Object::value), Some(2));
        call.join().unwrap();
    });
}

#[test]
fn of_two_frees_one_has_it() {
    explore(|| {
        let object = Object::new(1);
        let place = loom::sync::Arc::new(Place::of(7, &object));
        let other = place.clone();
        let free = thread::spawn(move || other.remove(7));
        let ours = place.remove(7);
        assert!(free.join().unwrap() != ours);
    });
}
