//! The log's buffer and the thread that brings it to the disk.

use super::entry::{Level, Object, compose, iso};
use super::sink::{PATIENCE, Sink};
use crate::error::Result;
use crate::library::{self, Thread};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// What waits for a slow disk at most: some ten thousand lines.
const MAX_WAITING: usize = 4 << 20;

/// The level in force, 0 while there is no file.
pub(super) static ON: AtomicU8 = AtomicU8::new(0);

struct State {
    path: Option<Arc<str>>,
    level: Level,
    /// Open while there are objects.
    file: Option<Arc<Sink>>,
    buffer: String,
    /// Lines that found no room, or that the disk did not take.
    dropped: u64,
    /// There are objects: the thread may run.
    begun: bool,
    thread: Option<Thread>,
    /// Threads that a disk did not let go in time.
    hung: Vec<Thread>,
    /// Which thread is meant; one that the disk did not let go in time is no longer.
    generation: u64,
    /// It waits to be woken.
    asleep: bool,
    /// It is writing what it took out of the buffer.
    writing: bool,
    /// The lines that it took, with those that it tells as dropped.
    taken: u64,
    /// It shall end once everything is written.
    stop: bool,
}

/// See the module's page. The lock is held for moments only, never during a write. Std's locks, because host threads
/// come here.
pub(super) struct Writer {
    state: Mutex<State>,
    /// Held by a call that changes file or thread, over all of it.
    changing: Mutex<()>,
    work: Condvar,
    done: Condvar,
}

type Guard<'a> = MutexGuard<'a, State>;

impl Writer {
    pub(super) const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                path: None,
                level: Level::Info,
                file: None,
                buffer: String::new(),
                dropped: 0,
                begun: false,
                thread: None,
                hung: Vec::new(),
                generation: 0,
                asleep: false,
                writing: false,
                taken: 0,
                stop: false,
            }),
            changing: Mutex::new(()),
            work: Condvar::new(),
            done: Condvar::new(),
        }
    }

    fn lock(&self) -> Guard<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&'static self, line: &str) {
        let mut state = self.lock();
        if state.file.is_none() {
            return;
        }
        if state.buffer.len() + line.len() > MAX_WAITING {
            state.dropped += 1;
            return;
        }
        state.buffer.push_str(line);
        self.start(&mut state);
        self.wake(state);
    }

    /// A wake-up costs a system call, so only a sleeping thread gets one.
    fn wake(&self, mut state: Guard<'_>) {
        if std::mem::replace(&mut state.asleep, false) {
            drop(state);
            self.work.notify_one();
        }
    }

    /// Starts the thread where it is needed and missing. Where none can be had the lines wait for the end.
    fn start(&'static self, state: &mut State) {
        if state.begun && state.thread.is_none() {
            let generation = state.generation;
            state.thread = library::spawn("websocket-log", move || self.work(generation)).ok();
        }
    }

    fn work(&self, generation: u64) {
        let mut state = self.lock();
        while state.generation == generation {
            if !state.buffer.is_empty() || state.dropped > 0 {
                state = self.write_out(state);
            } else if state.stop {
                break;
            } else {
                state = self.sleep(state);
            }
        }
    }

    fn sleep<'a>(&'a self, mut state: Guard<'a>) -> Guard<'a> {
        state.asleep = true;
        while state.asleep {
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Writes what there is, without the lock.
    fn write_out<'a>(&'a self, mut state: Guard<'a>) -> Guard<'a> {
        let mut text = std::mem::take(&mut state.buffer);
        let dropped = std::mem::take(&mut state.dropped);
        let Some(file) = state.file.clone() else { return state };
        let generation = state.generation;
        state.writing = true;
        let lines = text.lines().count() as u64;
        state.taken = lines + dropped;
        drop(state);
        if dropped > 0 {
            // Behind those that were there first: the buffer was full then. Writing to a String cannot fail.
            let _ = writeln!(text, "{} error  library {dropped} lines dropped", iso(SystemTime::now()));
        }
        let mut asked_to_end = None;
        let written = file.put(&text, || {
            let state = self.lock();
            // The end waits for it, but not as long as the reader of a pipe may take.
            if state.stop {
                asked_to_end.get_or_insert_with(Instant::now);
            }
            state.generation == generation && asked_to_end.is_none_or(|since| since.elapsed() < PATIENCE / 2)
        });
        drop(file);
        let mut state = self.lock();
        if state.generation != generation {
            return state;
        }
        (state.writing, state.taken) = (false, 0);
        self.done.notify_all();
        if written.is_err() && !state.stop {
            // Tried again with the next line, and told once the disk takes it.
            if state.buffer.is_empty() {
                state = self.sleep(state);
            }
            state.dropped += dropped + lines;
        }
        state
    }

    /// Waits until everything that was there is written, or the disk has taken too long.
    fn flush<'a>(&'a self, mut state: Guard<'a>) -> Guard<'a> {
        let deadline = Instant::now() + PATIENCE;
        if std::mem::replace(&mut state.asleep, false) {
            self.work.notify_one();
        }
        while state.thread.is_some() && (state.writing || !state.buffer.is_empty()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    pub(super) fn set(&'static self, path: &str, level: Level) -> Result<()> {
        let _changing = self.changing();
        let first = compose(
            Level::Info,
            Object::Library.itself(),
            format_args!("{}, log level {}", env!("CARGO_PKG_VERSION"), level.name()),
        );
        let first = if level >= Level::Info { first } else { String::new() };
        let mut state = self.flush(self.lock());
        if state.thread.is_some() && (state.writing || !state.buffer.is_empty()) {
            // The old disk does not take it. The new file gets a thread of its own, and the number of lines lost.
            self.abandon_thread(&mut state);
        }
        drop(state);
        let file = match path {
            "" => None,
            _ => Some(Sink::open(path, first)?),
        };
        let mut state = self.flush(self.lock());
        state.path = (!path.is_empty()).then(|| path.into());
        state.level = level;
        apply(&state);
        state.file = file.filter(|_| state.begun).map(Arc::new);
        if state.path.is_none() {
            self.finish(state);
        }
        Ok(())
    }

    /// The thread ends once the disk lets it go; meanwhile there may be another.
    fn abandon_thread(&self, state: &mut State) {
        state.dropped += state.buffer.lines().count() as u64 + state.taken;
        state.buffer.clear();
        state.generation += 1;
        (state.stop, state.writing, state.taken) = (false, false, 0);
        let thread = state.thread.take();
        state.hung.extend(thread);
    }

    pub(super) fn set_level(&self, level: Level) {
        let mut state = self.lock();
        state.level = level;
        apply(&state);
    }

    pub(super) fn level(&self) -> Level {
        self.lock().level
    }

    pub(super) fn path(&self) -> Arc<str> {
        self.lock().path.clone().unwrap_or_else(|| "".into())
    }

    pub(super) fn begin(&self) {
        let _changing = self.changing();
        let mut state = self.lock();
        state.begun = true;
        let Some(path) = state.path.clone().filter(|_| state.file.is_none()) else { return };
        drop(state);
        // It could be opened when it was set; if that is so no more there is nobody to tell.
        let file = Sink::open(&path, String::new()).ok().map(Arc::new);
        self.lock().file = file;
    }

    pub(super) fn end(&self) {
        let _changing = self.changing();
        let mut state = self.lock();
        state.begun = false;
        self.finish(state);
    }

    /// The same at an unload, or at the end of the process, when a thread may have been stopped with the lock taken.
    pub(super) fn abandon(&self) {
        let deadline = Instant::now() + Duration::from_millis(100);
        loop {
            match self.state.try_lock() {
                Ok(mut state) => {
                    state.begun = false;
                    state.path = None;
                    apply(&state);
                    return self.finish(state);
                }
                Err(_) if Instant::now() < deadline => std::thread::yield_now(),
                Err(_) => return,
            }
        }
    }

    /// Everything to the disk, and the thread ends. One that the disk does not let go keeps the library in memory.
    fn finish<'a>(&'a self, mut state: Guard<'a>) {
        if let Some(thread) = state.thread.take() {
            state.stop = true;
            if std::mem::replace(&mut state.asleep, false) {
                self.work.notify_one();
            }
            let deadline = Instant::now() + PATIENCE;
            while !thread.is_finished() && Instant::now() < deadline {
                // Its end itself notifies nobody, but follows the last write at once.
                let step = Duration::from_millis(1);
                state = self.done.wait_timeout(state, step).unwrap_or_else(PoisonError::into_inner).0;
            }
            state.thread = Some(thread);
            self.abandon_thread(&mut state);
        } else if !state.buffer.is_empty() && state.file.as_ref().is_some_and(|file| !file.pipe) {
            // None could be had.
            state = self.write_out(state);
        }
        for thread in std::mem::take(&mut state.hung) {
            if thread.is_finished() {
                thread.join();
            } else {
                library::pin();
                thread.detach();
            }
        }
        state.file = state.file.take().filter(|_| state.begun && state.path.is_some());
        (state.buffer, state.dropped) = (String::new(), 0);
    }
}

fn apply(state: &State) {
    ON.store(if state.path.is_some() { state.level as u8 } else { 0 }, Relaxed);
}

#[cfg(test)]
impl Writer {
    /// Begins with a file that may do what it likes.
    pub(super) fn begin_with(&self, file: std::fs::File) {
        let mut state = self.lock();
        (state.path, state.begun) = (Some("a test's".into()), true);
        state.file = Some(Arc::new(Sink::of(file)));
    }
}
