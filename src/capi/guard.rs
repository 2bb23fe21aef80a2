//! The border of the library: no panic crosses it, and a failure leaves its text for this thread.

use super::args;
use super::handle::{CLIENTS, SERVERS};
use super::result::{Done, WSADDIN_OK, WSADDIN_PANIC, number, wsaddin_result};
use crate::engine::answer;
use crate::error::{Error, Id, Language, Result};
use crate::library::{border, is_forked};
use crate::ws::MessageKind;
use std::cell::RefCell;
use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Long texts are cut: a URL can be as long as it likes, a thread's memory cannot.
const TEXT_SIZE: usize = 1024;

thread_local! {
    // Without a destructor, on purpose: one would keep the library mapped until this thread of the host has ended.
    static LAST_ERROR: RefCell<[u8; TEXT_SIZE]> = const { RefCell::new([0; TEXT_SIZE]) };
}

static RUSSIAN: AtomicBool = AtomicBool::new(false);

/// The language of texts for people, of the whole process.
pub(super) fn language() -> Language {
    if RUSSIAN.load(Relaxed) { Language::Russian } else { Language::English }
}

pub(super) fn set_language(language: Language) {
    RUSSIAN.store(language == Language::Russian, Relaxed);
}

/// Runs the body of an exported function.
pub(super) fn guard<T: Into<Done>>(body: impl FnOnce() -> Result<T>) -> wsaddin_result {
    guard_of(0, body)
}

/// The same for a function of that object, which keeps the code of its last failure.
pub(super) fn guard_of<T: Into<Done>>(object: u64, body: impl FnOnce() -> Result<T>) -> wsaddin_result {
    // Nothing of ours that a panic could leave half done is looked at again: the core keeps its own locks whole.
    let outcome = border(None, || {
        let outcome = if is_forked() { Err(Id::Forked.into()) } else { body() };
        Some(match outcome {
            Ok(done) => done.into().number(),
            Err(error) => {
                remember(&error);
                note(object, &error);
                number(error.code())
            }
        })
    });
    outcome.unwrap_or_else(|| {
        border((), || remember(&Id::Panic.into()));
        WSADDIN_PANIC
    })
}

/// The same for a function that sends one message. An answer, sent to the connection whose handler runs on this thread,
/// comes first, in front of the border: it waits for nothing, calls nothing of the system's, and the thread is ours.
///
/// # Safety
/// `data` is NULL or readable for `size` bytes for the whole call.
#[inline(always)]
pub(super) unsafe fn guard_answer<T: Into<Done>>(
    (object, connection): (u64, u64),
    kind: MessageKind,
    (data, size): (*const c_void, usize),
    otherwise: impl FnOnce() -> Result<T>,
) -> wsaddin_result {
    // SAFETY: the same promise.
    match unsafe { answered(object, connection, kind, data, size) } {
        NOT_ANSWERED => guard_of(object, otherwise),
        result => result,
    }
}

/// No result of ours: it was no answer, or must take the queue.
const NOT_ANSWERED: wsaddin_result = wsaddin_result::MIN;

/// In a frame of its own, for the reason that [`border`] gives, and with its arguments in registers.
///
/// # Safety
/// As for [`guard_answer`].
#[inline(never)]
unsafe fn answered(
    object: u64,
    connection: u64,
    kind: MessageKind,
    data: *const c_void,
    size: usize,
) -> wsaddin_result {
    if is_forked() {
        return NOT_ANSWERED;
    }
    let sent = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the same promise.
        answer(object, connection, kind, || unsafe { args::payload(kind, data, size) })
    }));
    match sent {
        Ok(true) => WSADDIN_OK,
        Ok(false) => NOT_ANSWERED,
        Err(_) => {
            border((), || remember(&Id::Panic.into()));
            WSADDIN_PANIC
        }
    }
}

/// The same for a function that cannot fail and returns a value.
pub(super) fn guard_value<T: Copy>(otherwise: T, body: impl FnOnce() -> T) -> T {
    border(otherwise, body)
}

/// The same for a function that only reads what is there or gives back its memory, as a host does four or five times a
/// message: without the preparations that keep a panic silent and a cancellation away, because there is neither.
pub(super) fn guard_read<T>(otherwise: T, read: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(otherwise)
}

/// A handle of another kind, or one that has been freed, has nothing to keep it in.
fn note(object: u64, error: &Error) {
    if object == 0 || is_forked() {
        return;
    }
    if let Some(client) = CLIENTS.find(object) {
        client.last_failure().note(error.code());
    } else if let Some(server) = SERVERS.find(object) {
        server.last_failure().note(error.code());
    }
}

fn remember(error: &Error) {
    let text = error.text(language());
    LAST_ERROR.with_borrow_mut(|buffer| {
        let size = text.floor_char_boundary(TEXT_SIZE - 1);
        buffer[..size].copy_from_slice(&text.as_bytes()[..size]);
        // What follows is never read, but for a text with a NUL inside nothing old may show.
        buffer[size..].fill(0);
    });
}

/// The text of this thread's last error; the pointer stays good as long as the thread does.
pub(super) fn last_error() -> *const c_char {
    LAST_ERROR.with(|buffer| buffer.as_ptr().cast())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn text() -> String {
        // SAFETY: the buffer always ends with a NUL, and this thread makes no call meanwhile.
        unsafe { CStr::from_ptr(last_error()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_becomes_a_result() {
        assert_eq!(guard(|| -> Result<()> { panic!("on purpose, by a test") }), WSADDIN_PANIC);
        assert!(text().contains("internal error"));
        assert_eq!(guard_value(7, || panic!("on purpose, by a test")), 7);
        assert_eq!(guard_read(7, || panic!("on purpose, by a test")), 7);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        for extra in 0..4 {
            let long = "x".repeat(extra) + &"ж".repeat(2 * TEXT_SIZE);
            assert_eq!(
                guard(|| -> Result<()> { Err(Error::new(Id::NullPointer, [long.as_str().into()]).detail(&long)) }),
                -2
            );
            assert!((TEXT_SIZE - 3..TEXT_SIZE).contains(&text().len()));
        }
        assert_eq!(guard(|| -> Result<()> { Err(Id::NotConnected.into()) }), -4);
        assert_eq!(text(), "not connected");
    }

    #[test]
    fn the_text_belongs_to_the_thread() {
        assert_eq!(guard(|| -> Result<()> { Err(Id::NotRunning.into()) }), -7);
        std::thread::spawn(|| assert_eq!(text(), "")).join().unwrap();
        assert_eq!(guard(|| Ok(())), 0);
        assert_eq!(text(), "the server is not running", "a success keeps the text");
    }
}
