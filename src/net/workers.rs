//! A bounded pool of short-lived threads for what cannot be done without blocking: name lookups, reading the roots.

use crate::library::{self, Thread};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Enough that a few dead name servers do not hold up the rest.
const MOST: usize = 16;
/// A worker without work ends after this long.
const IDLE: Duration = Duration::from_secs(1);
/// What a job gets to finish when the pool stops.
const LAST_CALL: Duration = Duration::from_millis(50);

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    idle: usize,
    alive: usize,
    threads: Vec<Thread>,
    stopped: bool,
}

/// See the module's page. Host threads come here, too, in [`Workers::stop`]: std's locks leave nothing behind in them.
#[derive(Default)]
pub struct Workers {
    state: Mutex<State>,
    work: Condvar,
    ended: Condvar,
}

impl Workers {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a job; never blocks. A job that finds no thread waits for one.
    pub fn run(self: &Arc<Self>, job: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        if state.stopped {
            return;
        }
        state.jobs.push_back(Box::new(job));
        if state.idle >= state.jobs.len() {
            drop(state);
            self.work.notify_one();
        } else if state.alive < MOST {
            let pool = self.clone();
            if let Ok(thread) = library::spawn("websocket-work", move || pool.work()) {
                state.alive += 1;
                // Those that have ended are joined here, so that the list does not grow.
                let (ended, running) = state.threads.drain(..).partition(Thread::is_finished);
                state.threads = running;
                state.threads.push(thread);
                drop(state);
                Vec::into_iter(ended).for_each(Thread::join);
            }
        }
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // A panic of one job must not cost the pool a worker.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
                continue;
            }
            if state.stopped {
                break;
            }
            state.idle += 1;
            let (guard, waited) = self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            if waited.timed_out() && state.jobs.is_empty() {
                break;
            }
        }
        state.alive -= 1;
        self.ended.notify_all();
    }

    /// Drops what waits, ends the idle workers and joins them. One that is still inside the system's resolver after a
    /// moment is abandoned; the library then stays in memory for good, because the thread will return into it.
    pub fn stop(&self) {
        let deadline = Instant::now() + LAST_CALL;
        let mut state = self.lock();
        state.stopped = true;
        state.jobs.clear();
        self.work.notify_all();
        while state.alive > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let threads = std::mem::take(&mut state.threads);
        let stuck = state.alive > 0;
        drop(state);
        for thread in threads {
            if !stuck || thread.is_finished() {
                thread.join();
            } else {
                library::pin();
                thread.detach();
            }
        }
    }
}
