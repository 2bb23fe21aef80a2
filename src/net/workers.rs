//! A bounded pool of short-lived threads for what cannot be done without blocking: name lookups, reading the roots.

use crate::library::{self, Thread};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
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

/// See the module's page. Locked by our own threads, and by a host thread only in [`Workers::stop`], which waits
/// without parking.
#[derive(Default)]
pub struct Workers {
    state: Mutex<State>,
    work: Condvar,
}

impl Workers {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Hands over a job; never blocks. A job that finds no thread waits for one. Call it on a thread of ours.
    pub fn run(self: &Arc<Self>, job: impl FnOnce() + Send + 'static) {
        let mut state = self.state.lock();
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
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.state.lock();
                continue;
            }
            if state.stopped {
                break;
            }
            state.idle += 1;
            let late = self.work.wait_for(&mut state, IDLE).timed_out();
            state.idle -= 1;
            if late && state.jobs.is_empty() {
                break;
            }
        }
        state.alive -= 1;
    }

    /// Drops what waits, ends the idle workers and joins them. One that is still inside the system's resolver after a
    /// moment is abandoned; the library then stays in memory for good, because the thread will return into it.
    pub fn stop(&self) {
        let deadline = Instant::now() + LAST_CALL;
        loop {
            // A host thread must not park here: parking_lot would leave something behind in it.
            if let Some(mut state) = self.state.try_lock() {
                state.stopped = true;
                state.jobs.clear();
                self.work.notify_all();
                if state.alive == 0 || Instant::now() >= deadline {
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
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
