//! The short way from a handle to its object: a few fixed places, beside the table that knows all handles.
//!
//! A call enters its object's place by counting itself there, and leaves it the same way, so it needs neither the
//! table's lock nor a part in owning the object. Whoever frees the handle closes the place and waits for those inside.

use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::cell::UnsafeCell;
use std::sync::Arc;
use std::time::Duration;

/// No handle.
const FREE: u64 = 0;
/// No handle either: its generation is never reached.
const CLOSING: u64 = u64::MAX;

/// The place of at most one object. On a cache line of its own: others' calls count next door.
#[repr(align(64))]
pub(super) struct Slot<T> {
    /// The handle that is valid here, or FREE, or CLOSING.
    id: AtomicU64,
    /// Calls that are inside or about to find out that they must not be.
    users: AtomicUsize,
    /// Written by the thread that has made `id` CLOSING, once no call is inside, or while it is FREE, under the table's
    /// lock.
    object: UnsafeCell<Option<Arc<T>>>,
}

// SAFETY: all threads read the object, and one writes it while no other can be reading: see `put` and `empty`.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

impl<T> Slot<T> {
    pub(super) const fn new() -> Self {
        Self { id: AtomicU64::new(FREE), users: AtomicUsize::new(0), object: UnsafeCell::new(None) }
    }

    /// Gives the place to an object unless it is taken. Called under the table's lock, so by one at a time.
    pub(super) fn put(&self, id: u64, object: &Arc<T>) {
        if self.id.load(SeqCst) == FREE {
            // SAFETY: no call reads it while `id` is FREE, `empty` has finished, and the lock keeps other callers out.
            unsafe { *self.object.get() = Some(object.clone()) };
            self.id.store(id, SeqCst);
        }
    }

    /// The object, if this is the place of that handle.
    pub(super) fn enter(&self, id: u64) -> Option<SlotGuard<'_, T>> {
        // Hardly ever another's: a handle that is none leaves no count behind, should the process fork just now.
        if self.id.load(SeqCst) != id {
            return None;
        }
        // Counted before looking, so that `empty` either sees the count or is seen.
        self.users.fetch_add(1, SeqCst);
        let guard = SlotGuard(self);
        (self.id.load(SeqCst) == id).then_some(guard)
    }

    /// Takes the place away from a handle; true when it had it. [`Slot::empty`] has to follow.
    pub(super) fn close(&self, id: u64) -> bool {
        self.id.compare_exchange(id, CLOSING, SeqCst, SeqCst).is_ok()
    }

    /// After `close`: waits until everybody has left, but for calls that come too late and leave at once. The caller is
    /// not inside, and has ended what calls inside may be waiting for.
    pub(super) fn empty(&self) {
        for attempt in 0.. {
            if self.users.load(SeqCst) == 0 {
                break;
            }
            match attempt {
                0..100 => crate::sync::thread::yield_now(),
                _ => crate::sync::thread::sleep(Duration::from_micros(100)),
            }
        }
        // SAFETY: no call enters any more, and none is inside; while `id` is CLOSING no other thread writes.
        let object = unsafe { (*self.object.get()).take() };
        self.id.store(FREE, SeqCst);
        drop(object);
    }
}

/// A call inside a place; leaving is dropping it.
pub(super) struct SlotGuard<'a, T>(&'a Slot<T>);

impl<T> SlotGuard<'_, T> {
    pub(super) fn object(&self) -> &T {
        // SAFETY: made by `enter`, which has found the handle valid; until this is dropped `empty` waits.
        let object = unsafe { &*self.0.object.get() };
        object.as_ref().expect("a place with a handle has an object")
    }
}

impl<T> Drop for SlotGuard<'_, T> {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, SeqCst);
    }
}
