//! The C interface as safe Rust, for tests that are about what it does and not about its pointers.
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

use std::ffi::{CStr, c_char};
use std::ptr::null_mut;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// What a call that cannot hang may take on a busy machine; every wait of a test ends by then.
pub const SOON: i64 = 20_000;

/// A negative result and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: i32,
    pub text: String,
}

pub type Outcome<T = ()> = Result<T, Fault>;

/// The text of this thread's last error.
pub fn error_description() -> String {
    // SAFETY: never NULL, NUL-terminated, good until this thread's next call.
    unsafe { CStr::from_ptr(wsaddin_error_description()) }.to_str().expect("error texts are UTF-8").to_owned()
}

/// A result of 0 or above, or the fault.
pub fn check(result: i32) -> Outcome<i32> {
    if result >= 0 { Ok(result) } else { Err(Fault { code: result, text: error_description() }) }
}

fn done(result: i32) -> Outcome {
    check(result).map(|number| assert_eq!(number, 0, "an outcome where none is known"))
}

/// The code of a call that must fail.
pub fn code<T: std::fmt::Debug>(outcome: Outcome<T>) -> i32 {
    outcome.expect_err("it should have failed").code
}

/// An event, copied out of its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub event: i32,
    pub kind: i32,
    pub connection: u64,
    pub data: Vec<u8>,
}

impl Event {
    /// The same, which has to be of this kind.
    #[track_caller]
    pub fn of(self, kind: wsaddin_event) -> Self {
        assert_eq!(self.event, kind, "{self:?}");
        self
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.data).expect("it is a text")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.data).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Code, reason and cleanness of a `close`.
    pub fn close(&self) -> (i64, String, bool) {
        assert_eq!(self.event, WSADDIN_EVENT_CLOSE, "{self:?}");
        let json = self.json();
        assert_eq!(keys(&json), ["code", "reason", "clean"]);
        (json["code"].as_i64().unwrap(), json["reason"].as_str().unwrap().to_owned(), json["clean"].as_bool().unwrap())
    }
}

/// The keys of a JSON object, in their order.
pub fn keys(json: &serde_json::Value) -> Vec<&str> {
    json.as_object().expect("a JSON object").keys().map(String::as_str).collect()
}

/// What a receive came back with, when it did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    Event(Event),
    Timeout,
    Closed,
}

impl Got {
    pub fn event(self) -> Event {
        match self {
            Got::Event(event) => event,
            other => panic!("{other:?} instead of an event"),
        }
    }
}

fn take(call: impl FnOnce(*mut *mut wsaddin_message) -> i32) -> Outcome<Got> {
    let mut message = null_mut();
    Ok(match check(call(&raw mut message))? {
        WSADDIN_TIMEOUT => Got::Timeout,
        WSADDIN_CLOSED => Got::Closed,
        number => {
            assert_eq!(number, 0);
            // SAFETY: a message that is ours until it is freed, once; its data is as long as it says.
            let event = unsafe {
                let data = std::slice::from_raw_parts(wsaddin_message_data(message), wsaddin_message_size(message));
                Event {
                    event: wsaddin_message_event(message),
                    kind: wsaddin_message_kind(message),
                    connection: wsaddin_message_connection(message),
                    data: data.to_vec(),
                }
            };
            // SAFETY: as above.
            unsafe { wsaddin_message_free(message) };
            Got::Event(event)
        }
    })
}

fn text(call: impl FnOnce(*mut c_char, usize, *mut usize) -> i32) -> Outcome<String> {
    let mut buffer = vec![0_u8; 64 * 1024];
    let mut needed = 0;
    done(call(buffer.as_mut_ptr().cast(), buffer.len(), &raw mut needed))?;
    buffer.truncate(needed);
    Ok(String::from_utf8(buffer).expect("texts are UTF-8"))
}

fn number(call: impl FnOnce(*mut i64) -> i32) -> i64 {
    let mut value = 0;
    done(call(&raw mut value)).expect("reading a number");
    value
}

pub fn set_language(language: wsaddin_language) {
    done(wsaddin_set_language(language)).unwrap();
}

/// File and level of the process's log.
pub fn set_log(path: &str, level: wsaddin_log_level) -> Outcome {
    // SAFETY: the slice is readable for the call.
    done(unsafe { wsaddin_set_log(path.as_ptr().cast(), path.len(), level) })
}

/// The index of the first object that is ready; `None` when none was in time.
pub fn wait_any(ids: &[u64], timeout_ms: i64) -> Outcome<Option<usize>> {
    let mut index = 0;
    // SAFETY: the slice is readable and the place writable for the call.
    let result = check(unsafe { wsaddin_wait_any(ids.as_ptr(), ids.len(), timeout_ms, &raw mut index) })?;
    Ok((result == WSADDIN_OK).then_some(index))
}

macro_rules! options {
    ($($name:ident $call:ident;)*) => {
        $(pub fn $name(&self, value: i64) -> &Self {
            done($call(self.0, value)).expect(stringify!($name));
            self
        })*
    };
}

// With a path, since this file is included by path, too.
#[path = "face/client.rs"]
mod client;
#[path = "face/lookup.rs"]
mod lookup;
#[path = "face/server.rs"]
mod server;

pub use client::Client;
pub use server::Server;

/// Looks until it is so; fails the test when that takes too long.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_millis(SOON as u64), "still not so: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
