//! What the pieces with few locks are made of. Here it is the standard library's; the models in `tests/models` compile
//! the same pieces with loom's in its place, which runs them through every order of their steps.

pub use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

pub mod atomic {
    pub use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
}

pub mod thread {
    pub use std::thread::{sleep, yield_now};
}
