//! The C interface as safe Rust, for tests that are about what it does and not about its pointers.
#![allow(dead_code, reason = "each test file uses its part")]

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

fn text(call: impl Fn(*mut c_char, usize, *mut usize) -> i32) -> Outcome<String> {
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

/// A client, freed when it goes.
#[derive(Debug)]
pub struct Client(pub wsaddin_client);

// SAFETY, of every call below: slices are readable and places writable for the call, as the header demands.
impl Client {
    pub fn new() -> Self {
        let mut handle = wsaddin_client { id: 0 };
        done(unsafe { wsaddin_client_new(&raw mut handle) }).unwrap();
        Self(handle)
    }

    options! {
        connect_timeout wsaddin_client_set_connect_timeout;
        close_timeout wsaddin_client_set_close_timeout;
        send_timeout wsaddin_client_set_send_timeout;
        ping_interval wsaddin_client_set_ping_interval;
        pong_timeout wsaddin_client_set_pong_timeout;
        max_message_size wsaddin_client_set_max_message_size;
        receive_queue_messages wsaddin_client_set_receive_queue_messages;
        receive_queue_bytes wsaddin_client_set_receive_queue_bytes;
        send_queue_bytes wsaddin_client_set_send_queue_bytes;
        compression wsaddin_client_set_compression;
        compression_context wsaddin_client_set_compression_context;
        compression_window_bits wsaddin_client_set_compression_window_bits;
        reconnect_interval wsaddin_client_set_reconnect_interval;
        reconnect_max_interval wsaddin_client_set_reconnect_max_interval;
    }

    /// The result of freeing; the second time BAD_HANDLE.
    pub fn free(&self) -> Outcome {
        done(wsaddin_client_free(self.0))
    }

    pub fn connect(&self, url: &str) -> Outcome {
        done(unsafe { wsaddin_client_connect(self.0, url.as_ptr().cast(), url.len()) })
    }

    pub fn set_proxy(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_client_set_proxy(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn proxy(&self) -> String {
        text(|buffer, size, needed| unsafe { wsaddin_client_get_proxy(self.0, buffer, size, needed) }).unwrap()
    }

    pub fn begin_connect(&self, url: &str) -> Outcome {
        done(unsafe { wsaddin_client_begin_connect(self.0, url.as_ptr().cast(), url.len()) })
    }

    pub fn disconnect(&self, code: u16, reason: &str) -> Outcome<bool> {
        let mut clean = 7;
        let reason = reason.as_bytes();
        done(unsafe { wsaddin_client_disconnect(self.0, code, reason.as_ptr().cast(), reason.len(), &raw mut clean) })?;
        assert!(matches!(clean, 0 | 1), "{clean}");
        Ok(clean == 1)
    }

    pub fn send(&self, text: &str) -> Outcome {
        done(unsafe { wsaddin_client_send_text(self.0, text.as_ptr().cast(), text.len()) })
    }

    pub fn send_binary(&self, data: &[u8]) -> Outcome {
        done(unsafe { wsaddin_client_send_binary(self.0, data.as_ptr().cast(), data.len()) })
    }

    pub fn receive(&self, timeout_ms: i64) -> Outcome<Got> {
        take(|place| unsafe { wsaddin_client_receive(self.0, timeout_ms, place) })
    }

    pub fn receive_event(&self, timeout_ms: i64) -> Outcome<Got> {
        take(|place| unsafe { wsaddin_client_receive_event(self.0, timeout_ms, place) })
    }

    /// The next event, which has to come.
    pub fn event(&self) -> Event {
        self.receive_event(SOON).unwrap().event()
    }

    pub fn ping(&self, timeout_ms: i64) -> Outcome<i64> {
        let mut round_trip = 0;
        done(unsafe { wsaddin_client_ping(self.0, timeout_ms, &raw mut round_trip) })?;
        Ok(round_trip)
    }

    pub fn request(&self, text: &str, timeout_ms: i64) -> Outcome<Got> {
        let (id, none) = (b"id".as_ptr().cast(), std::ptr::null());
        take(|place| unsafe {
            wsaddin_client_request(self.0, text.as_ptr().cast(), text.len(), timeout_ms, id, 2, none, 0, place)
        })
    }

    pub fn set_header(&self, name: &str, value: &str) -> Outcome {
        let (name, value) = (name.as_bytes(), value.as_bytes());
        done(unsafe {
            wsaddin_client_set_header(self.0, name.as_ptr().cast(), name.len(), value.as_ptr().cast(), value.len())
        })
    }

    pub fn set_hello_message(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_client_set_hello_message(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn set_protocols(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_client_set_protocols(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn status(&self) -> i64 {
        number(|place| unsafe { wsaddin_client_get_status(self.0, place) })
    }

    pub fn ready_state(&self) -> i64 {
        number(|place| unsafe { wsaddin_client_get_ready_state(self.0, place) })
    }

    pub fn buffered_amount(&self) -> i64 {
        number(|place| unsafe { wsaddin_client_get_buffered_amount(self.0, place) })
    }

    pub fn queued(&self) -> i64 {
        number(|place| unsafe { wsaddin_client_get_queued(self.0, place) })
    }

    pub fn close_code(&self) -> i64 {
        number(|place| unsafe { wsaddin_client_get_close_code(self.0, place) })
    }

    pub fn close_reason(&self) -> String {
        text(|buffer, size, needed| unsafe { wsaddin_client_get_close_reason(self.0, buffer, size, needed) }).unwrap()
    }

    pub fn server(&self) -> String {
        text(|buffer, size, needed| unsafe { wsaddin_client_get_server(self.0, buffer, size, needed) }).unwrap()
    }

    pub fn protocol(&self) -> String {
        text(|buffer, size, needed| unsafe { wsaddin_client_get_protocol(self.0, buffer, size, needed) }).unwrap()
    }

    pub fn extensions(&self) -> String {
        text(|buffer, size, needed| unsafe { wsaddin_client_get_extensions(self.0, buffer, size, needed) }).unwrap()
    }

    pub fn statistics(&self) -> serde_json::Value {
        let json = text(|buffer, size, needed| unsafe { wsaddin_client_statistics(self.0, buffer, size, needed) });
        serde_json::from_str(&json.unwrap()).unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.free();
    }
}

/// A server, freed when it goes.
#[derive(Debug)]
pub struct Server(pub wsaddin_server);

// SAFETY, of every call below: slices are readable and places writable for the call, as the header demands.
impl Server {
    pub fn new() -> Self {
        let mut handle = wsaddin_server { id: 0 };
        done(unsafe { wsaddin_server_new(&raw mut handle) }).unwrap();
        Self(handle)
    }

    /// One that listens on the loopback address.
    pub fn running() -> Self {
        let server = Self::new();
        server.run("127.0.0.1", 0).unwrap();
        server
    }

    options! {
        close_timeout wsaddin_server_set_close_timeout;
        send_timeout wsaddin_server_set_send_timeout;
        ping_interval wsaddin_server_set_ping_interval;
        pong_timeout wsaddin_server_set_pong_timeout;
        max_message_size wsaddin_server_set_max_message_size;
        receive_queue_messages wsaddin_server_set_receive_queue_messages;
        send_queue_bytes wsaddin_server_set_send_queue_bytes;
        assembly_bytes wsaddin_server_set_assembly_bytes;
        compression wsaddin_server_set_compression;
        compression_context wsaddin_server_set_compression_context;
        compression_window_bits wsaddin_server_set_compression_window_bits;
        max_connections wsaddin_server_set_max_connections;
        max_connections_per_address wsaddin_server_set_max_connections_per_address;
        manual_accept wsaddin_server_set_manual_accept;
        accept_timeout wsaddin_server_set_accept_timeout;
        resume_timeout wsaddin_server_set_resume_timeout;
        io_threads wsaddin_server_set_io_threads;
        handshake_timeout wsaddin_server_set_handshake_timeout;
    }

    pub fn free(&self) -> Outcome {
        done(wsaddin_server_free(self.0))
    }

    pub fn run(&self, interface: &str, port: i64) -> Outcome {
        done(unsafe { wsaddin_server_run(self.0, interface.as_ptr().cast(), interface.len(), port) })
    }

    pub fn stop(&self) -> Outcome {
        done(wsaddin_server_stop(self.0))
    }

    pub fn port(&self) -> u16 {
        number(|place| unsafe { wsaddin_server_get_port(self.0, place) }).try_into().unwrap()
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port())
    }

    pub fn connection_count(&self) -> i64 {
        number(|place| unsafe { wsaddin_server_get_connection_count(self.0, place) })
    }

    pub fn queued(&self) -> i64 {
        number(|place| unsafe { wsaddin_server_get_queued(self.0, place) })
    }

    pub fn set_protocols(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_protocols(self.0, value.as_ptr().cast(), value.len()) })
    }

    /// False: that connection has gone.
    pub fn send(&self, connection: u64, text: &str) -> Outcome<bool> {
        let result = unsafe { wsaddin_server_send_text(self.0, connection, text.as_ptr().cast(), text.len()) };
        check(result).map(|number| number == WSADDIN_OK)
    }

    pub fn send_binary(&self, connection: u64, data: &[u8]) -> Outcome<bool> {
        let result = unsafe { wsaddin_server_send_binary(self.0, connection, data.as_ptr().cast(), data.len()) };
        check(result).map(|number| number == WSADDIN_OK)
    }

    pub fn receive(&self, timeout_ms: i64) -> Outcome<Got> {
        take(|place| unsafe { wsaddin_server_receive(self.0, timeout_ms, place) })
    }

    pub fn receive_event(&self, timeout_ms: i64) -> Outcome<Got> {
        take(|place| unsafe { wsaddin_server_receive_event(self.0, timeout_ms, place) })
    }

    /// The next event, which has to come.
    pub fn event(&self) -> Event {
        self.receive_event(SOON).unwrap().event()
    }

    /// The connection of the next event, which has to be an `open`.
    pub fn opened(&self) -> u64 {
        let event = self.event();
        assert_eq!(event.event, WSADDIN_EVENT_OPEN, "{event:?}");
        event.connection
    }

    pub fn set_access_token(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_access_token(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn set_allowed_origins(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_allowed_origins(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn set_name_parameter(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_name_parameter(self.0, value.as_ptr().cast(), value.len()) })
    }

    /// False: that connection has gone.
    pub fn set_name(&self, connection: u64, name: &str) -> Outcome<bool> {
        let result = unsafe { wsaddin_server_set_name(self.0, connection, name.as_ptr().cast(), name.len()) };
        check(result).map(|number| number == WSADDIN_OK)
    }

    /// False: that connection has gone.
    pub fn join_group(&self, connection: u64, group: &str) -> Outcome<bool> {
        let result = unsafe { wsaddin_server_join_group(self.0, connection, group.as_ptr().cast(), group.len()) };
        check(result).map(|number| number == WSADDIN_OK)
    }

    /// False: that connection has gone.
    pub fn leave_group(&self, connection: u64, group: &str) -> Outcome<bool> {
        let result = unsafe { wsaddin_server_leave_group(self.0, connection, group.as_ptr().cast(), group.len()) };
        check(result).map(|number| number == WSADDIN_OK)
    }

    /// False: nobody of that name.
    pub fn send_to_name(&self, name: &str, text: &str) -> Outcome<bool> {
        let (name, text) = (name.as_bytes(), text.as_bytes());
        let result = check(unsafe {
            wsaddin_server_send_to_name_text(self.0, name.as_ptr().cast(), name.len(), text.as_ptr().cast(), text.len())
        })?;
        assert!(matches!(result, WSADDIN_OK | WSADDIN_NOT_FOUND), "{result}");
        Ok(result == WSADDIN_OK)
    }

    /// To all; how many.
    pub fn broadcast(&self, text: &str) -> Outcome<i64> {
        let mut count = 0;
        let text = text.as_bytes();
        done(unsafe { wsaddin_server_broadcast_text(self.0, text.as_ptr().cast(), text.len(), &raw mut count) })?;
        Ok(count)
    }

    /// To a group; how many.
    pub fn broadcast_to(&self, group: &str, text: &str) -> Outcome<i64> {
        let mut count = 0;
        let (group, text) = (group.as_bytes(), text.as_bytes());
        let (group_size, size) = (group.len(), text.len());
        let (group, text) = (group.as_ptr().cast(), text.as_ptr().cast());
        done(unsafe { wsaddin_server_broadcast_group_text(self.0, group, group_size, text, size, &raw mut count) })?;
        Ok(count)
    }

    /// False: nobody waits there.
    pub fn accept(&self, connection: u64) -> Outcome<bool> {
        check(wsaddin_server_accept(self.0, connection)).map(|number| number == WSADDIN_OK)
    }

    pub fn reject(&self, connection: u64, status: i64, reason: &str) -> Outcome<bool> {
        let reason = reason.as_bytes();
        let result = unsafe { wsaddin_server_reject(self.0, connection, status, reason.as_ptr().cast(), reason.len()) };
        check(result).map(|number| number == WSADDIN_OK)
    }

    /// False: no such connection.
    pub fn disconnect(&self, connection: u64, code: u16, reason: &str) -> Outcome<bool> {
        let reason = reason.as_bytes();
        let result =
            unsafe { wsaddin_server_disconnect(self.0, connection, code, reason.as_ptr().cast(), reason.len()) };
        check(result).map(|number| number == WSADDIN_OK)
    }

    pub fn ping(&self, connection: u64, timeout_ms: i64) -> Outcome<i64> {
        let mut round_trip = 0;
        check(unsafe { wsaddin_server_ping(self.0, connection, timeout_ms, &raw mut round_trip) })?;
        Ok(round_trip)
    }

    pub fn connections(&self) -> String {
        text(|buffer, size, needed| unsafe { wsaddin_server_get_connections(self.0, buffer, size, needed) }).unwrap()
    }

    pub fn server(&self) -> String {
        text(|buffer, size, needed| unsafe { wsaddin_server_get_server(self.0, buffer, size, needed) }).unwrap()
    }

    /// `None`: that connection has gone.
    pub fn connection_info(&self, connection: u64) -> Outcome<Option<serde_json::Value>> {
        let mut needed = 0;
        // SAFETY: no buffer, and a place for the size.
        let asked = unsafe { wsaddin_server_connection_info(self.0, connection, null_mut(), 0, &raw mut needed) };
        if asked == WSADDIN_CLOSED {
            return Ok(None);
        }
        let json = text(|buffer, size, needed| unsafe {
            wsaddin_server_connection_info(self.0, connection, buffer, size, needed)
        });
        json.map(|json| Some(serde_json::from_str(&json).unwrap()))
    }

    pub fn connection_list(&self) -> serde_json::Value {
        let json = text(|buffer, size, needed| unsafe { wsaddin_server_connection_list(self.0, buffer, size, needed) });
        serde_json::from_str(&json.unwrap()).unwrap()
    }

    pub fn statistics(&self) -> serde_json::Value {
        let json = text(|buffer, size, needed| unsafe { wsaddin_server_statistics(self.0, buffer, size, needed) });
        serde_json::from_str(&json.unwrap()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.free();
    }
}

/// Looks until it is so; fails the test when that takes too long.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_millis(SOON as u64), "still not so: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
