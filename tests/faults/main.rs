//! Faults of the network, of other processes and of the machine: after each the objects tell the right state and error,
//! work again, and nothing is left.
//!
//! An ordinary run takes a sample, whose seed it prints (`WSADDIN_FAULTS_SEED` repeats it); with `WSADDIN_LONG=1`, as
//! `tests/run --long` sets it, harm is done at every byte.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/face.rs"]
mod face;
#[path = "../common/flow/mod.rs"]
mod flow;
#[path = "../common/tls.rs"]
mod tls;

mod positions;
mod processes;
mod relay;
mod system;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Threads and descriptors are counted: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_long() -> bool {
    std::env::var("WSADDIN_LONG").is_ok_and(|value| value == "1")
}

fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let given = std::env::var("WSADDIN_FAULTS_SEED").ok().map(|text| text.parse().expect("a number"));
        let seed = given.unwrap_or(u64::from(now.subsec_nanos()));
        println!("faults: WSADDIN_FAULTS_SEED={seed}");
        seed
    })
}

/// The same numbers for the same seed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % bound as u64) as usize
    }
}

/// What the library has in this process, and all descriptors.
struct Counted {
    threads: usize,
    descriptors: usize,
}

impl Counted {
    fn now() -> Self {
        Self { threads: flow::our_threads(), descriptors: flow::descriptors() }
    }

    /// Waits until there are no more than at first.
    #[track_caller]
    fn is_back(&self, what: impl std::fmt::Debug) {
        face::until(&format!("{what:?}: nothing is left"), || {
            let now = Self::now();
            now.threads <= self.threads && now.descriptors <= self.descriptors
        });
    }
}
