//! A bounded pool of short-lived threads for what cannot be done without blocking: name lookups, reading the roots.

use crate::error::{Error, Id, Result};
use crate::library::{self, Thread};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Enough that a few dead name servers do not hold up the rest.
const MAX_WORKERS: usize = 16;
/// A worker without work ends after this long.
const IDLE: Duration = Duration::from_secs(1);
/// What a lookup gets to finish when the pool stops: the system cannot cancel it, and its outcome is not needed.
const LOOKUP_STOP_TIMEOUT: Duration = Duration::from_millis(50);
/// What any other job gets: it reads a file or computes, which takes its time on a busy machine but ends by itself,
/// unless the file lies on a file system that has died.
const JOB_STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a stop looks whether a job has ended.
const STOP_CHECK: Duration = Duration::from_millis(5);

type Job = Box<dyn FnOnce(&Worker) + Send>;

/// The thread that a job runs on.
#[derive(Default)]
pub struct Worker {
    /// It is inside what may never return.
    hangs: AtomicBool,
    /// It runs a job.
    works: AtomicBool,
}

impl Worker {
    /// Runs what the system may never return from, which is the name lookup. A stop of the pool abandons the thread then.
    pub fn may_hang<R>(&self, call: impl FnOnce() -> R) -> R {
        let _ended = Raised::new(&self.hangs);
        call()
    }

    /// How long a stop waits for it; `None`: it has no job and gets none, and needs nothing but the processor to end.
    fn limit(&self) -> Option<Duration> {
        match (self.works.load(SeqCst), self.hangs.load(SeqCst)) {
            (false, _) => None,
            (true, true) => Some(LOOKUP_STOP_TIMEOUT),
            (true, false) => Some(JOB_STOP_TIMEOUT),
        }
    }
}

/// A flag that is up until this is dropped, by a panic, too.
struct Raised<'a>(&'a AtomicBool);

impl<'a> Raised<'a> {
    fn new(flag: &'a AtomicBool) -> Self {
        flag.store(true, SeqCst);
        Self(flag)
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    idle: usize,
    threads: Vec<(Thread, Arc<Worker>)>,
    alive: usize,
    stopped: bool,
}

/// See the module's page. Host threads come here, too, in [`Workers::stop`]: std's locks leave nothing behind in them.
#[derive(Default)]
pub struct Workers {
    state: Mutex<State>,
    work: Condvar,
}

impl Workers {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a job; never blocks. A job that finds all threads at work waits for one.
    ///
    /// # Errors
    /// `Io`: no thread can be started and none is there, so that the job would never be run. `Cancelled`: the
    /// pool has stopped. The job is dropped.
    pub fn run(self: &Arc<Self>, job: impl FnOnce(&Worker) + Send + 'static) -> Result<()> {
        self.run_on(job, library::spawn)
    }

    fn run_on(
        self: &Arc<Self>,
        job: impl FnOnce(&Worker) + Send + 'static,
        spawn: impl FnOnce(&str, Box<dyn FnOnce() + Send>) -> std::io::Result<Thread>,
    ) -> Result<()> {
        let mut state = self.lock();
        if state.stopped {
            return Err(Error::of(Id::Cancelled));
        }
        if state.idle > state.jobs.len() || state.alive >= MAX_WORKERS {
            state.jobs.push_back(Box::new(job));
            drop(state);
            self.work.notify_one();
            return Ok(());
        }
        let worker = Arc::<Worker>::default();
        let (pool, own) = (self.clone(), worker.clone());
        // With the lock held: the new thread waits for it and finds the job.
        match spawn("websocket-work", Box::new(move || pool.work(&own))) {
            Ok(thread) => {
                state.alive += 1;
                state.jobs.push_back(Box::new(job));
                // Those that have ended are joined here, so that the list does not grow.
                let (ended, running) = state.threads.drain(..).partition(|(thread, _)| thread.is_finished());
                state.threads = running;
                state.threads.push((thread, worker));
                drop(state);
                Vec::into_iter(ended).for_each(|(thread, _): (Thread, _)| thread.join());
            }
            Err(error) if state.alive == 0 => return Err(Error::of(Id::Io).system(&error)),
            // One of those that are there comes to it.
            Err(_) => state.jobs.push_back(Box::new(job)),
        }
        Ok(())
    }

    fn work(&self, worker: &Worker) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                worker.works.store(true, SeqCst);
                drop(state);
                // A panic of one job must not cost the pool a worker.
                let _ = catch_unwind(AssertUnwindSafe(|| job(worker)));
                state = self.lock();
                worker.works.store(false, SeqCst);
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
    }

    /// Drops what waits, ends the workers and joins them: those without a job however long the system takes to let them
    /// run, those with one when it is done. Only a worker that is, after a moment, still inside the system's resolver
    /// is abandoned, or one whose job does not end in `JOB_STOP_TIMEOUT`, or by `deadline` where there is one; the
    /// library then stays in memory for good, because the thread will return into it.
    pub fn stop(&self, deadline: Option<Instant>) {
        let begun = Instant::now();
        let threads = {
            let mut state = self.lock();
            state.stopped = true;
            state.jobs.clear();
            std::mem::take(&mut state.threads)
        };
        self.work.notify_all();
        for (thread, worker) in threads {
            let over = |limit: Option<Duration>| {
                limit.is_some_and(|limit| begun.elapsed() >= limit)
                    || deadline.is_some_and(|deadline| Instant::now() >= deadline)
            };
            while !thread.is_finished() && !over(worker.limit()) && (worker.limit(), deadline) != (None, None) {
                std::thread::sleep(STOP_CHECK);
            }
            if !thread.is_finished() && over(worker.limit()) {
                library::pin();
                thread.detach();
            } else {
                thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn cannot_spawn(_: &str, _: Box<dyn FnOnce() + Send>) -> std::io::Result<Thread> {
        Err(std::io::ErrorKind::OutOfMemory.into())
    }

    #[test]
    fn a_job_that_nobody_would_come_to_is_an_error() {
        let workers = Workers::new();
        let failed = workers.run_on(|_| unreachable!(), cannot_spawn).unwrap_err();
        assert_eq!(failed.root(), Id::Io);
        let (say, hear) = mpsc::channel();
        let (other, (go, wait)) = (say.clone(), mpsc::channel::<()>());
        workers
            .run(move |_| {
                wait.recv().unwrap();
                say.send(1).unwrap();
            })
            .unwrap();
        // The one that is there comes to it.
        workers.run_on(move |_| other.send(2).unwrap(), cannot_spawn).unwrap();
        go.send(()).unwrap();
        assert_eq!([hear.recv(), hear.recv()], [Ok(1), Ok(2)]);
        workers.stop(None);
        assert_eq!(workers.run(|_| ()).unwrap_err().root(), Id::Cancelled);
    }

    /// However busy the machine is: one that is not inside a lookup has ended when the pool has.
    #[test]
    fn all_but_a_lookup_is_waited_for() {
        let workers = Workers::new();
        let (say, hear) = mpsc::channel();
        let (begin, begun) = mpsc::channel();
        workers
            .run(move |worker| {
                worker.may_hang(|| ());
                begin.send(()).unwrap();
                std::thread::sleep(4 * LOOKUP_STOP_TIMEOUT);
                say.send(()).unwrap();
            })
            .unwrap();
        begun.recv().unwrap();
        workers.stop(None);
        assert_eq!(hear.try_recv(), Ok(()));

        let workers = Workers::new();
        let (end, wait) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        workers
            .run(move |worker| {
                worker.may_hang(|| {
                    begin.send(()).unwrap();
                    let _ = wait.recv();
                });
            })
            .unwrap();
        begun.recv().unwrap();
        let since = Instant::now();
        workers.stop(None);
        assert!(since.elapsed() >= LOOKUP_STOP_TIMEOUT && since.elapsed() < JOB_STOP_TIMEOUT);
        drop(end);
    }
}
