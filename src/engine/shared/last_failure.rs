//! The code of an object's last failure.

use crate::error::Code;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// What failed last of an object: a call, which the face that it came by notes, or an attempt to connect again.
#[derive(Default)]
pub struct LastFailure(AtomicI32);

impl LastFailure {
    pub fn note(&self, code: Code) {
        self.0.store(code as i32, Relaxed);
    }

    /// The number that the C interface has for it; 0: nothing has failed yet.
    pub fn code(&self) -> i32 {
        self.0.load(Relaxed)
    }
}
