//! What belongs to no object.

use super::guard::{guard, guard_value, last_error, set_language};
use super::result::wsaddin_result;
use crate::error::{Error, Id, Language};
use std::ffi::c_char;

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
pub extern "C" fn wsaddin_version() -> *const c_char {
    guard_value(c"".as_ptr(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}

/// Sets the language of error texts and close reasons of our own, for the whole process and from now on.
///
/// @retval WSADDIN_BAD_ARGUMENT  not one of WSADDIN_LANGUAGE_...
#[unsafe(no_mangle)]
pub extern "C" fn wsaddin_set_language(language: wsaddin_language) -> wsaddin_result {
    guard(|| {
        set_language(match language {
            WSADDIN_LANGUAGE_ENGLISH => Language::English,
            WSADDIN_LANGUAGE_RUSSIAN => Language::Russian,
            other => return Err(Error::new(Id::BadValue, ["language".into(), other.into(), "0, 1".into()])),
        });
        Ok(())
    })
}

/// The text of the last error that a call on this thread returned: what failed, where and why. Successes and outcomes
/// (0 and above) do not change it. UTF-8, at most 1023 bytes, NUL-terminated, never NULL, "" before the first error.
/// It stays readable until this thread's next call; copy it if you keep it.
#[unsafe(no_mangle)]
pub extern "C" fn wsaddin_error_description() -> *const c_char {
    guard_value(c"".as_ptr(), last_error)
}
