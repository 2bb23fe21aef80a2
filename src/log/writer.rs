//! The log's buffer and the thread that brings it to the disk.

use super::{Level, ON, iso};
use crate::error::{Error, Id, Result};
use crate::library::{self, Thread};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// What waits for a slow disk at most: some ten thousand lines.
const MOST: usize = 4 << 20;
/// How long the end waits for a disk that takes nothing.
const LAST_CALL: Duration = Duration::from_secs(2);

struct State {
    path: Option<Arc<str>>,
    level: Level,
    file: Option<Arc<File>>,
    buffer: String,
    /// Lines that found no room, or that the disk did not take.
    dropped: u64,
    /// There are objects: the thread may run.
    begun: bool,
    /// The thread waits to be woken.
    asleep: bool,
    /// The thread is writing what it took out of the buffer.
    writing: bool,
    stop: bool,
    thread: Option<Thread>,
}

/// See the module's page. Its locks are held for moments only, never during a write.
pub(super) struct Writer {
    state: Mutex<State>,
    work: Condvar,
    done: Condvar,
}

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
                asleep: false,
                writing: false,
                stop: false,
                thread: None,
            }),
            work: Condvar::new(),
            done: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&'static self, line: &str) {
        let mut state = self.lock();
        if state.file.is_none() {
            return;
        }
        if state.buffer.len() + line.len() > MOST {
            state.dropped += 1;
            return;
        }
        state.buffer.push_str(line);
        self.start(&mut state);
        // A wake-up costs a system call, so only who sleeps gets one.
        if std::mem::replace(&mut state.asleep, false) {
            drop(state);
            self.work.notify_one();
        }
    }

    /// Starts the thread where it is needed and missing. Without it the lines wait for the end.
    fn start(&'static self, state: &mut State) {
        if state.begun && state.thread.is_none() && !state.stop && state.file.is_some() {
            state.thread = library::spawn("websocket-log", || self.work()).ok();
        }
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if !state.buffer.is_empty() || state.dropped > 0 {
                state = self.write_out(state);
            } else if state.stop {
                break;
            } else {
                state.asleep = true;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Writes what there is, without the lock.
    fn write_out<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let mut text = std::mem::take(&mut state.buffer);
        let dropped = std::mem::take(&mut state.dropped);
        let Some(file) = state.file.clone() else { return state };
        state.writing = true;
        drop(state);
        let lines = text.lines().count() as u64;
        if dropped > 0 {
            // Behind those that were there first: the buffer was full then.
            text.push_str(&format!("{} error  library {dropped} lines dropped\n", iso(SystemTime::now())));
        }
        let written = (&*file).write_all(text.as_bytes());
        let mut state = self.lock();
        state.writing = false;
        self.done.notify_all();
        if written.is_err() && !state.stop {
            // Told once the disk takes lines again: with the next one, not over and over.
            let lost = dropped + lines;
            if state.buffer.is_empty() {
                state.asleep = true;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.dropped += lost;
        }
        state
    }

    /// Waits until everything that was there is written, or the disk has taken too long.
    fn flush<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let deadline = Instant::now() + LAST_CALL;
        if state.thread.is_none() && !state.writing {
            return if state.buffer.is_empty() && state.dropped == 0 {
                state
            } else {
                // Nobody reads `stop` then; it keeps a failing disk from being waited for.
                let before = std::mem::replace(&mut state.stop, true);
                let mut state = self.write_out(state);
                state.stop = before;
                state
            };
        }
        state.asleep = false;
        self.work.notify_one();
        while state.writing || !state.buffer.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    pub(super) fn set(&'static self, path: &str, level: Level) -> Result<()> {
        let file = match path {
            "" => None,
            _ => Some(Arc::new(open(path)?)),
        };
        let mut state = self.flush(self.lock());
        state.path = (!path.is_empty()).then(|| path.into());
        state.level = level;
        let off = file.is_none();
        state.file = file;
        apply(&state);
        if off {
            self.finish(state);
        } else {
            drop(state);
            let who = super::Object::Library.itself();
            super::info!(who, "{}, log level {}", env!("CARGO_PKG_VERSION"), level.name());
            let mut state = self.lock();
            self.start(&mut state);
            if !state.begun {
                drop(self.flush(state));
            }
        }
        Ok(())
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

    pub(super) fn begin(&'static self) {
        let mut state = self.lock();
        state.begun = true;
        self.start(&mut state);
    }

    pub(super) fn end(&self) {
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
                    return self.finish(state);
                }
                Err(_) if Instant::now() < deadline => std::thread::yield_now(),
                Err(_) => return,
            }
        }
    }

    /// Everything to the disk, and the thread ends. One that the disk does not let go keeps the library in memory.
    fn finish(&self, mut state: MutexGuard<'_, State>) {
        let Some(thread) = state.thread.take() else {
            drop(self.flush(state));
            return;
        };
        state.stop = true;
        state.asleep = false;
        self.work.notify_one();
        let deadline = Instant::now() + LAST_CALL;
        while !thread.is_finished() && Instant::now() < deadline {
            let step = Duration::from_millis(1);
            state = self.done.wait_timeout(state, step).unwrap_or_else(PoisonError::into_inner).0;
        }
        if thread.is_finished() {
            state.stop = false;
            drop(state);
            thread.join();
        } else {
            drop(state);
            library::pin();
            thread.detach();
        }
    }
}

fn open(path: &str) -> Result<File> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|error| Error::new(Id::LogFile, [path.into()]).detail(error))
}

fn apply(state: &State) {
    ON.store(if state.file.is_some() { state.level as u8 } else { 0 }, Relaxed);
}
