//! Figures with one writer at a time, so that counting needs no locked instruction.

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Counters of one connection, written by its I/O thread alone.
#[derive(Default)]
pub struct Counters {
    pub messages_in: AtomicU64,
    pub messages_out: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub pings: AtomicU64,
    /// −1 until a first pong has come.
    pub round_trip_ms: AtomicI64,
}

impl Counters {
    pub(in crate::engine) fn add(counter: &AtomicU64, amount: u64) {
        counter.store(counter.load(Relaxed).wrapping_add(amount), Relaxed);
    }
}

/// Messages and their bytes.
#[derive(Default)]
pub struct Tally {
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

impl Tally {
    pub fn add(&self, bytes: usize) {
        self.add_all(1, bytes);
    }

    pub fn add_all(&self, messages: usize, bytes: usize) {
        self.messages.store(self.messages.load(Relaxed).wrapping_add(messages), Relaxed);
        self.bytes.store(self.bytes.load(Relaxed).wrapping_add(bytes), Relaxed);
    }

    pub fn sub(&self, bytes: usize) {
        self.messages.store(self.messages.load(Relaxed).wrapping_sub(1), Relaxed);
        self.bytes.store(self.bytes.load(Relaxed).wrapping_sub(bytes), Relaxed);
    }

    pub fn get(&self) -> (usize, usize) {
        (self.messages.load(Relaxed), self.bytes.load(Relaxed))
    }
}
