//! Work that a call leaves behind because it may not wait: jobs one after another on a thread of ours, which is there
//! while there are any.

use super::{Thread, spawn};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

type Job = Box<dyn FnOnce() + Send>;

struct Background {
    jobs: VecDeque<Job>,
    running: bool,
    /// The present one and those that have ended and are not joined.
    threads: Vec<Thread>,
}

static BACKGROUND: Mutex<Background> =
    Mutex::new(Background { jobs: VecDeque::new(), running: false, threads: Vec::new() });

fn lock() -> MutexGuard<'static, Background> {
    BACKGROUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands over a job; never waits. Without a thread for it, it waits for the next that comes.
pub fn later(job: impl FnOnce() + Send + 'static) {
    // Nothing ends the thread when Windows unloads the library.
    #[cfg(windows)]
    super::pin();
    let mut background = lock();
    background.jobs.push_back(Box::new(job));
    if background.running {
        return;
    }
    let (ended, rest) = background.threads.drain(..).partition(Thread::is_finished);
    background.threads = rest;
    if let Ok(thread) = spawn("websocket-close", work) {
        background.running = true;
        background.threads.push(thread);
    }
    drop(background);
    // They have nothing left to do but to go.
    Vec::into_iter(ended).for_each(Thread::join);
}

fn work() {
    loop {
        let mut background = lock();
        let Some(job) = background.jobs.pop_front() else {
            background.jobs = VecDeque::new();
            background.running = false;
            return;
        };
        drop(background);
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

/// When the library goes: waits until all is done, which what the jobs wait for must have been told to end. At the end of
/// a process the thread may have been stopped, and its lock may be taken.
pub fn finish_later(deadline: Instant) {
    let threads = loop {
        if let Ok(mut background) = BACKGROUND.try_lock()
            && (!background.running || Instant::now() > deadline)
        {
            break std::mem::take(&mut background.threads);
        }
        if Instant::now() > deadline {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    };
    for thread in threads {
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        if thread.is_finished() { thread.join() } else { thread.detach() }
    }
}
