//! The pieces with few locks, compiled from the library's own files with loom's atomics, locks and threads instead of the
//! system's: each model is run through every order of its steps, with as many changes of thread by force as
//! `LOOM_MAX_PREEMPTIONS` says (three, or five with `WSADDIN_LONG`).
//!
//!     tests/models/run
#![cfg(test)]
#![allow(dead_code, reason = "of each piece the models use a part")]

mod error;
mod flush;
mod gate;
mod leader;
mod library;
mod net;
mod place;
mod signal;
mod sync;

#[path = "../../src/engine"]
mod engine {
    pub mod shared {
        pub mod gate;
        pub mod signal;
        pub mod sync;
        pub use sync::{Deadline, lock};

        /// Which threads have borrowed the loop is asked by others.
        pub fn set_borrower(_: bool) {}
    }

    pub mod connection {
        pub mod flush_flag;
    }

    pub mod mailbox {
        pub mod leadership;
        pub mod loop_guard;

        /// What the real one does with a channel, the models do with a counter.
        pub mod post {
            use super::leadership::Leadership;
            use crate::net::Waker;
            use crate::sync::Arc;
            use crate::sync::atomic::{AtomicUsize, Ordering::SeqCst};
            use std::marker::PhantomData;

            pub struct Shared<L> {
                pub mail: AtomicUsize,
                pub waker: Waker,
                leadership: Leadership<L>,
            }

            pub struct Mailbox<M, L>(pub Arc<Shared<L>>, PhantomData<M>);

            impl<M, L> Clone for Mailbox<M, L> {
                fn clone(&self) -> Self {
                    Self(self.0.clone(), PhantomData)
                }
            }

            impl<M, L> Mailbox<M, L> {
                pub fn new() -> Self {
                    let (mail, waker, leadership) = (AtomicUsize::default(), Waker::default(), Leadership::new());
                    // Made here, and not by the thread that happens to use them first.
                    leadership.state.load(SeqCst);
                    leadership.notified.load(SeqCst);
                    leadership.borrower.load(SeqCst);
                    Self(Arc::new(Shared { mail, waker, leadership }), PhantomData)
                }

                pub fn send(&self, plain_io: bool) {
                    self.0.mail.fetch_add(1, SeqCst);
                    self.0.leadership.sent(plain_io, &self.0.waker);
                }

                pub fn notify(&self) {
                    self.0.leadership.notify(&self.0.waker);
                }

                pub fn leadership(&self) -> &Leadership<L> {
                    &self.0.leadership
                }
            }
        }
    }
}

#[path = "../../src/capi"]
mod capi {
    mod slot;

    /// What the table does with a place.
    pub struct Place<T>(slot::Slot<T>);

    impl<T> Place<T> {
        pub fn of(id: u64, object: &std::sync::Arc<T>) -> Self {
            let place = Self(slot::Slot::new());
            place.put(id, object);
            // What counts the calls is made here, and not by the first of them.
            place.0.enter(id);
            place
        }

        pub fn put(&self, id: u64, object: &std::sync::Arc<T>) {
            self.0.put(id, object);
        }

        /// A call that uses the object; `None` when the handle is not valid.
        pub fn call<R>(&self, id: u64, using: impl FnOnce(&T) -> R) -> Option<R> {
            self.0.enter(id).map(|inside| using(inside.object()))
        }

        /// As a free does; true for the one that has it.
        pub fn remove(&self, id: u64) -> bool {
            let had = self.0.close(id);
            if had {
                self.0.empty();
            }
            had
        }
    }
}

/// Runs it through its orders.
fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    let bound = if std::env::var_os("WSADDIN_LONG").is_some() { 5 } else { 3 };
    builder.preemption_bound = builder.preemption_bound.or(Some(bound));
    builder.check(model);
}
