//! Points in time, soonest first.

use super::compact_instant::CompactInstant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A heap of timers. None is ever removed early: the owner recognises a stale one by its stamp.
#[derive(Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(CompactInstant, usize, u64)>>,
}

impl Timers {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn set(&mut self, at: CompactInstant, token: usize, stamp: u64) {
        self.heap.push(Reverse((at, token, stamp)));
    }

    pub fn next_due(&self) -> Option<CompactInstant> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next timer that is due, with its token and stamp.
    pub fn pop_due(&mut self, now: CompactInstant) -> Option<(usize, u64)> {
        if self.next_due()? > now {
            return None;
        }
        let due = self.heap.pop();
        if self.heap.capacity() > 1024 && self.heap.len() < self.heap.capacity() / 4 {
            // A burst of connections leaves nothing behind.
            self.heap.shrink_to(self.heap.len() * 2);
        }
        due.map(|Reverse((_, token, stamp))| (token, stamp))
    }
}
