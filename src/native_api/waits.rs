//! Who waits for whose calls to return from the host.
//!
//! A call is in the host's hands while it tells the host of an error or an event, and a host may do anything meanwhile,
//! above all end another object, which waits for the calls that are inside that one. Two threads may so wait for each
//! other, and more of them in a ring. Each therefore says whom it is about to wait for, and the one that would close a
//! ring does not wait for those that wait for it: their calls return once its own has.

use super::host_calls::{HostCalls, this_thread};
use crate::engine::lock;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// What a thread waits for.
#[derive(Clone)]
enum Target {
    /// The calls of other threads to the host of this object.
    Calls(Arc<HostCalls>),
    /// The end of this thread.
    Thread(usize),
}

struct Entry {
    number: usize,
    thread: usize,
    target: Target,
    excused: Vec<usize>,
}

static ENTRIES: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A thread's wait, which ends when this is dropped.
pub(super) struct Waiting {
    number: usize,
    excused: Vec<usize>,
}

impl Waiting {
    /// For the calls of other threads to the host of this object.
    pub fn for_calls(calls: &Arc<HostCalls>) -> Self {
        Self::begin(Target::Calls(calls.clone()))
    }

    /// For the end of a thread.
    pub fn for_thread(thread: usize) -> Self {
        Self::begin(Target::Thread(thread))
    }

    fn begin(target: Target) -> Self {
        let thread = this_thread();
        let mut entries = lock(&ENTRIES);
        // Itself, and all that wait for it, through others or not.
        let mut excused = vec![thread];
        while let Some(entry) =
            entries.iter().find(|entry| !excused.contains(&entry.thread) && entry.waits_for(&excused))
        {
            excused.push(entry.thread);
        }
        let number = NEXT.fetch_add(1, SeqCst);
        entries.push(Entry { number, thread, target, excused: excused.clone() });
        Self { number, excused }
    }

    /// The threads whose calls are not waited for: this one, and those that wait for it.
    pub fn excused(&self) -> &[usize] {
        &self.excused
    }
}

impl Entry {
    fn waits_for(&self, threads: &[usize]) -> bool {
        threads.iter().filter(|thread| !self.excused.contains(thread)).any(|thread| match &self.target {
            Target::Calls(calls) => calls.has_of(*thread),
            Target::Thread(other) => other == thread,
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut entries = lock(&ENTRIES);
        entries.retain(|entry| entry.number != self.number);
        if entries.is_empty() {
            // The library leaves nothing behind when it is unloaded.
            *entries = Vec::new();
        }
    }
}
