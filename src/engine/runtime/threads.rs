//! The process's I/O threads: started with the first object, joined with the last.

use super::event_loop::EventLoop;
use crate::engine::connection::{IoHandle, Mail};
use crate::engine::io::Command;
use crate::engine::shared::{become_io_thread, is_borrower, lock, set_single_object};
use crate::error::{Error, Id, Result};
use crate::library::{self, Thread};
use crate::log;
use crate::net::Workers;
use crate::ws::payload;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

struct Runtime {
    users: usize,
    threads: Vec<(IoHandle, Thread)>,
    workers: Arc<Workers>,
    /// How many threads each running server wants.
    requested_threads: Vec<(u64, usize)>,
}

static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    fn start(&mut self, count: usize) -> Result<()> {
        while self.threads.len() < count {
            let reactor = crate::net::Reactor::new().map_err(|error| Error::of(Id::Io).system(&error))?;
            let (handle, mail) = IoHandle::new(reactor.waker());
            let events = EventLoop::new(reactor, handle.clone(), mail, self.workers.clone())?;
            let body = move || {
                become_io_thread();
                events.run();
            };
            let name = format!("websocket-io{}", self.threads.len());
            let thread = library::spawn(&name, body).map_err(|error| Error::of(Id::Io).system(&error))?;
            self.threads.push((handle, thread));
        }
        Ok(())
    }

    fn count(&self) {
        set_single_object(self.users == 1 && self.threads.len() == 1);
    }

    /// Ends the threads that no running server asks for; the connections of a stopped one are gone by now.
    fn shrink(&mut self) {
        let wanted = self.requested_threads.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
        self.stop_from(wanted);
    }

    fn stop_from(&mut self, keep: usize) {
        let close_info: Vec<_> = self.threads.drain(keep.min(self.threads.len())..).collect();
        close_info.iter().for_each(|(handle, _)| handle.post(Command::Stop));
        close_info.into_iter().for_each(|(_, thread)| thread.join());
    }
}

/// A reference of an object to the runtime. Dropping the last one joins the threads, so it is dropped on host threads
/// only.
pub struct RuntimeRef {
    _stake: library::Stake,
}

impl RuntimeRef {
    pub fn acquire() -> Result<Self> {
        let stake = library::Stake::take();
        library::at_unload(abandon);
        let mut slot = lock(&RUNTIME);
        if slot.is_none() {
            let mut runtime =
                Runtime { users: 0, threads: Vec::new(), workers: Workers::new(), requested_threads: Vec::new() };
            runtime.start(1)?;
            log::begin();
            payload::open();
            *slot = Some(runtime);
        }
        if let Some(runtime) = slot.as_mut() {
            runtime.users += 1;
            runtime.count();
        }
        Ok(RuntimeRef { _stake: stake })
    }

    /// The I/O thread that clients use.
    pub fn io(&self) -> Result<IoHandle> {
        self.ios(None)?.into_iter().next().ok_or_else(|| Error::of(Id::Cancelled))
    }

    /// The first `count` threads, started where needed and kept until [`RuntimeRef::release_ios`].
    pub fn ios(&self, requested_threads: Option<(u64, usize)>) -> Result<Vec<IoHandle>> {
        let mut slot = lock(&RUNTIME);
        let runtime = slot.as_mut().ok_or_else(|| Error::of(Id::Cancelled))?;
        let count = requested_threads.map_or(1, |(_, count)| count.max(1));
        runtime.start(count)?;
        runtime.count();
        runtime.requested_threads.extend(requested_threads);
        Ok(runtime.threads.iter().take(count).map(|(handle, _)| handle.clone()).collect())
    }

    /// Threads for what may block.
    pub fn workers(&self) -> Result<Arc<Workers>> {
        lock(&RUNTIME).as_ref().map(|runtime| runtime.workers.clone()).ok_or_else(|| Error::of(Id::Cancelled))
    }

    /// Drops a value on a thread of ours.
    pub fn discard(&self, value: impl Send + 'static) {
        if let Ok(io) = self.io() {
            io.post(Command::Discard(Box::new(value)));
        }
    }

    pub fn release_ios(&self, serial: u64) {
        if let Some(runtime) = lock(&RUNTIME).as_mut() {
            runtime.requested_threads.retain(|(other, _)| *other != serial);
            runtime.shrink();
            runtime.count();
        }
    }
}

impl Drop for RuntimeRef {
    fn drop(&mut self) {
        let mut slot = lock(&RUNTIME);
        let Some(runtime) = slot.as_mut() else { return };
        runtime.users -= 1;
        runtime.count();
        if runtime.users == 0 {
            // Under the lock: a new first object waits until the old threads are gone.
            runtime.stop_from(0);
            runtime.workers.stop(None);
            log::end();
            payload::close();
            *slot = None;
        }
    }
}

/// The library is being unloaded, or the process ends, with objects alive: their threads must not outlive the code.
fn abandon() {
    abandon_threads();
    // What it waits for has ended by now.
    library::finish_later(Instant::now() + Duration::from_secs(2));
    log::abandon();
    payload::abandon();
}

fn abandon_threads() {
    let deadline = Instant::now() + Duration::from_secs(2);
    // At the end of a process another thread may have been stopped while it held the lock.
    let Ok(mut slot) = RUNTIME.try_lock() else { return };
    let Some(runtime) = slot.take() else { return };
    runtime.threads.iter().for_each(|(handle, _)| handle.send_at_last(Mail::Command(Command::Stop)));
    for (_, thread) in runtime.threads {
        // A signal that ends the process in the middle of a borrowed round leaves the loop to no other thread.
        while !is_borrower() && !thread.is_finished() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        if thread.is_finished() {
            thread.join();
        } else {
            thread.detach();
        }
    }
    runtime.workers.stop(Some(deadline));
}
