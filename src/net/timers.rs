//! Points in time, soonest first.

use super::compact_instant::CompactInstant;
use std::collections::BTreeSet;

/// The timers of a thread, in a tree: it grows by small pieces. None is ever removed early: the owner recognises a stale
/// one by its stamp.
#[derive(Default)]
pub struct Timers {
    all: BTreeSet<(CompactInstant, usize, u64)>,
}

impl Timers {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn set(&mut self, at: CompactInstant, token: usize, stamp: u64) {
        self.all.insert((at, token, stamp));
    }

    pub fn next_due(&self) -> Option<CompactInstant> {
        self.all.first().map(|(at, ..)| *at)
    }

    /// The next timer that is due, with its token and stamp.
    pub fn pop_due(&mut self, now: CompactInstant) -> Option<(usize, u64)> {
        if self.next_due()? > now {
            return None;
        }
        self.all.pop_first().map(|(_, token, stamp)| (token, stamp))
    }
}
