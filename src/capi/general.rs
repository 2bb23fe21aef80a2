//! What belongs to no object.

use super::args;
use super::guard::{guard, guard_value, last_error, set_language};
use super::result::wsaddin_result;
use crate::error::{Error, Id, Language};
use crate::log::{self, Level};
use std::ffi::{c_char, c_void};

/// A time to wait, in milliseconds: without limit.
pub const WSADDIN_WAIT_FOREVER: i64 = 0;
/// A time to wait, in milliseconds: do not wait at all. Any other negative number does the same.
pub const WSADDIN_NO_WAIT: i64 = -1;

/// A language of texts for people: WSADDIN_LANGUAGE_...
pub type wsaddin_language = i32;
/// English, the language until another is set.
pub const WSADDIN_LANGUAGE_ENGLISH: wsaddin_language = 0;
/// Russian.
pub const WSADDIN_LANGUAGE_RUSSIAN: wsaddin_language = 1;

/// The library's version, such as "0.1.0": NUL-terminated, never NULL, good until the library is unloaded.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_version() -> *const c_char {
    guard_value(c"".as_ptr(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}

/// Sets the language of error texts and close reasons of our own, for the whole process and from now on.
///
/// @retval WSADDIN_BAD_ARGUMENT  not one of WSADDIN_LANGUAGE_...
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_set_language(language: wsaddin_language) -> wsaddin_result {
    guard(|| {
        set_language(match language {
            WSADDIN_LANGUAGE_ENGLISH => Language::English,
            WSADDIN_LANGUAGE_RUSSIAN => Language::Russian,
            other => return Err(Error::new(Id::BadValue, ["language".into(), other.into(), "0, 1".into()])),
        });
        Ok(())
    })
}

/// How much the log tells: WSADDIN_LOG_...
pub type wsaddin_log_level = i32;
/// What failed.
pub const WSADDIN_LOG_ERROR: wsaddin_log_level = 1;
/// And each connection's life in a few lines.
pub const WSADDIN_LOG_INFO: wsaddin_log_level = 2;
/// And every step: addresses, proxy, TLS, handshake, pings, pauses.
pub const WSADDIN_LOG_DEBUG: wsaddin_log_level = 3;
/// And each frame, with the beginning of each text.
pub const WSADDIN_LOG_FRAMES: wsaddin_log_level = 4;

/// Sets the log file of the whole process and how much it tells; the last call wins. Lines are appended, UTF-8, by a
/// thread of ours that ends with the last object: no call ever waits for the disk but this one, the first new and the
/// last free, each at most a few seconds. Lines that find no room while the disk is slow are counted, and the log says how
/// many. Credentials are never written, and what is sent and received only on WSADDIN_LOG_FRAMES. A file that is
/// renamed or removed is written on: call this again, with the same path, to begin a new one.
///
/// @param path  UTF-8, `size` bytes: a file or, on Linux, a terminal or other character device, or a pipe that somebody
///              reads (such as /dev/stderr in a container); empty ends the log
/// @retval WSADDIN_FILE  it cannot be written, is something else, or does not answer; what was set before stays
/// @retval WSADDIN_BAD_ARGUMENT  not one of WSADDIN_LOG_...
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_set_log(
    path: *const c_void,
    size: usize,
    level: wsaddin_log_level,
) -> wsaddin_result {
    guard(|| {
        // SAFETY: the caller's promise.
        let path = unsafe { args::text("path", path, size) }?;
        let level = match level {
            WSADDIN_LOG_ERROR => Level::Error,
            WSADDIN_LOG_INFO => Level::Info,
            WSADDIN_LOG_DEBUG => Level::Debug,
            WSADDIN_LOG_FRAMES => Level::Frames,
            other => return Err(Error::new(Id::BadValue, ["level".into(), other.into(), "1, 2, 3, 4".into()])),
        };
        log::set(path, level)
    })
}

/// The text of the last error that a call on this thread returned: what failed, where and why. Successes and outcomes
/// (0 and above) do not change it. UTF-8, at most 1023 bytes, NUL-terminated, never NULL, "" before the first error.
/// It stays readable until this thread's next call; copy it if you keep it.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_error_description() -> *const c_char {
    guard_value(c"".as_ptr(), last_error)
}
