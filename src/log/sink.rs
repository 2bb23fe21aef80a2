//! What the lines are written to: opened within a bound of time, and never waited for without one.

use crate::error::{Error, Id, Result};
use crate::library;
use std::fs::{File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long anybody waits for a disk that does not answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How often one that takes nothing is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// A file, a terminal or another device that takes characters, or a pipe that somebody reads, which is what
/// `/dev/stderr` is in a container.
pub(super) struct Sink {
    file: File,
    /// Writing to a pipe that nobody reads any more raises SIGPIPE, which a thread of the host may not block.
    pub pipe: bool,
}

impl Sink {
    /// Opens `path` for appending and writes the first line to it, if there is one. On a thread of ours, so that a network
    /// drive that has died holds nobody up for longer than [`PATIENCE`]. What hung then keeps the library in memory.
    ///
    /// # Errors
    /// `LogFile`, with the reason.
    pub fn open(path: &str, first: String) -> Result<Self> {
        type Place = (Mutex<Option<Result<Sink>>>, Condvar);
        let place = Arc::<Place>::default();
        let (theirs, wanted) = (place.clone(), path.to_owned());
        let thread = library::spawn("websocket-log", move || {
            let outcome = Self::open_here(&wanted, &first);
            *theirs.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            theirs.1.notify_all();
        });
        let failed = |cause: Error| Error::new(Id::LogFile, [path.into()]).because(cause);
        let thread = thread.map_err(|error| failed(Error::of(Id::Io).system(&error)))?;
        let slot = place.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = place.1.wait_timeout_while(slot, PATIENCE, |slot| slot.is_none());
        let outcome = waited.unwrap_or_else(PoisonError::into_inner).0.take();
        match outcome {
            Some(outcome) => {
                thread.join();
                outcome.map_err(failed)
            }
            None => {
                library::pin();
                thread.detach();
                Err(failed(Error::new(Id::FileHangs, [PATIENCE.as_millis().to_string().into()])))
            }
        }
    }

    fn open_here(path: &str, first: &str) -> Result<Self> {
        let unreadable = |error: io::Error| Error::of(Id::FileUnwritable).system(&error);
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // Neither waits for the reader of a pipe nor becomes the terminal that signals come from.
            options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        }
        let file = options.open(path).map_err(|error| match is_unread(&error) {
            true => Error::of(Id::FileUnread),
            false => unreadable(error),
        })?;
        // Windows knows nothing of what is none: a pipe, a console.
        let kind = file.metadata().map(|about| about.file_type());
        let Some(pipe) = kind.ok().and_then(is_pipe) else { return Err(Error::of(Id::FileKind)) };
        let sink = Self { file, pipe };
        let since = Instant::now();
        sink.put(first, || since.elapsed() < PATIENCE / 2).map_err(unreadable)?;
        Ok(sink)
    }

    /// Writes all of `text`; while it takes nothing, as long as `go_on` says.
    pub fn put(&self, text: &str, mut go_on: impl FnMut() -> bool) -> io::Result<()> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match (&self.file).write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && go_on() => std::thread::sleep(AGAIN),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub fn of(file: File) -> Self {
        Self { file, pipe: true }
    }
}

#[cfg(unix)]
fn is_unread(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENXIO)
}

#[cfg(not(unix))]
fn is_unread(_: &io::Error) -> bool {
    false
}

/// Whether it is a pipe; `None`: nothing to write a log to.
#[cfg(unix)]
fn is_pipe(kind: FileType) -> Option<bool> {
    use std::os::unix::fs::FileTypeExt;
    (kind.is_file() || kind.is_char_device() || kind.is_fifo()).then(|| kind.is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(kind: FileType) -> Option<bool> {
    kind.is_file().then_some(false)
}
