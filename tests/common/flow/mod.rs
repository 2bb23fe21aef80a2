//! A thin wrapper of the C interface for tests, peers that speak the protocol by hand, and other processes.
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod hand;
mod process;

pub use hand::Raw;
pub use process::*;

use std::ffi::{CStr, c_void};
use std::ptr::null_mut;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// The deadline of every wait that has no tighter one.
pub const LONG: i64 = 30_000;
pub const NOW: i64 = -1;
pub const TIMEOUT: i32 = 1;
pub const CLOSED: i32 = 2;
pub const CANCELLED: i32 = -9;
pub const QUEUE_FULL: i32 = -17;
pub const PING_TIMEOUT: i32 = -19;
pub const REQUEST_TIMEOUT: i32 = -20;

pub const OPEN: i32 = 1;
pub const MESSAGE: i32 = 2;
pub const CLOSE: i32 = 3;

/// The text of this thread's last failed call.
pub fn error_text() -> String {
    // SAFETY: never NULL, NUL-terminated, copied before the next call.
    unsafe { CStr::from_ptr(wsaddin_error_description()) }.to_str().unwrap().to_owned()
}

/// A received event.
pub struct Event(*mut wsaddin_message);

// SAFETY: the header allows any thread.
unsafe impl Send for Event {}

impl Event {
    pub fn kind(&self) -> i32 {
        // SAFETY: a live message.
        unsafe { wsaddin_message_event(self.0) }
    }

    pub fn connection(&self) -> u64 {
        // SAFETY: a live message.
        unsafe { wsaddin_message_connection(self.0) }
    }

    pub fn data(&self) -> &[u8] {
        // SAFETY: a live message; never NULL.
        unsafe { std::slice::from_raw_parts(wsaddin_message_data(self.0), wsaddin_message_size(self.0)) }
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(self.data()).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.data()).unwrap()
    }

    /// The number at the beginning of the data.
    pub fn number(&self) -> u64 {
        u64::from_le_bytes(self.data()[..8].try_into().unwrap())
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: ours, freed once.
        unsafe { wsaddin_message_free(self.0) }
    }
}

/// A message with its number in front.
pub fn numbered(number: u64, size: usize) -> Vec<u8> {
    let mut data = vec![b'.'; size.max(8)];
    data[..8].copy_from_slice(&number.to_le_bytes());
    data
}

fn check(result: i32) -> Result<(), i32> {
    if result == 0 { Ok(()) } else { Err(result) }
}

fn number(get: impl FnOnce(*mut i64) -> i32) -> i64 {
    let mut value = 0;
    assert_eq!(get(&raw mut value), 0, "{}", error_text());
    value
}

fn string(get: impl Fn(*mut i8, usize, *mut usize) -> i32) -> Result<String, i32> {
    let mut buffer = vec![0_u8; 1 << 20];
    let mut needed = 0;
    check(get(buffer.as_mut_ptr().cast(), buffer.len(), &raw mut needed))?;
    buffer.truncate(needed);
    Ok(String::from_utf8(buffer).unwrap())
}

fn event(get: impl FnOnce(*mut *mut wsaddin_message) -> i32) -> Result<Event, i32> {
    let mut message = null_mut();
    check(get(&raw mut message)).map(|()| Event(message))
}

/// Frees its object at the end.
pub struct Client(pub wsaddin_client);
/// Frees its object at the end.
pub struct Server(pub wsaddin_server);

impl Drop for Client {
    fn drop(&mut self) {
        wsaddin_client_free(self.0);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        wsaddin_server_free(self.0);
    }
}

// SAFETY (of all calls below): the pointers are those of live slices and variables.
impl Client {
    pub fn new() -> Self {
        let mut client = wsaddin_client { id: 0 };
        // SAFETY: as above.
        assert_eq!(unsafe { wsaddin_client_new(&raw mut client) }, 0, "{}", error_text());
        Self(client)
    }

    /// A client of the server on that port.
    pub fn to(port: u16) -> Self {
        let client = Self::new();
        assert_eq!(client.connect(port), Ok(()), "{}", error_text());
        client
    }

    pub fn connect(&self, port: u16) -> Result<(), i32> {
        self.connect_url(&format!("ws://127.0.0.1:{port}/"))
    }

    pub fn connect_url(&self, url: &str) -> Result<(), i32> {
        // SAFETY: as above.
        check(unsafe { wsaddin_client_connect(self.0, url.as_ptr().cast(), url.len()) })
    }

    /// Whether it ended well.
    pub fn disconnect(&self) -> bool {
        let mut clean = 0;
        // SAFETY: as above.
        assert_eq!(unsafe { wsaddin_client_disconnect(self.0, 1000, std::ptr::null(), 0, &raw mut clean) }, 0);
        clean != 0
    }

    pub fn send(&self, data: &[u8]) -> Result<(), i32> {
        // SAFETY: as above.
        check(unsafe { wsaddin_client_send_binary(self.0, data.as_ptr().cast(), data.len()) })
    }

    pub fn send_text(&self, text: &str) -> Result<(), i32> {
        // SAFETY: as above.
        check(unsafe { wsaddin_client_send_text(self.0, text.as_ptr().cast(), text.len()) })
    }

    pub fn receive(&self, timeout: i64) -> Result<Event, i32> {
        // SAFETY: as above.
        event(|out| unsafe { wsaddin_client_receive(self.0, timeout, out) })
    }

    pub fn receive_event(&self, timeout: i64) -> Result<Event, i32> {
        // SAFETY: as above.
        event(|out| unsafe { wsaddin_client_receive_event(self.0, timeout, out) })
    }

    pub fn ping(&self, timeout: i64) -> Result<i64, i32> {
        let mut time = 0;
        // SAFETY: as above.
        check(unsafe { wsaddin_client_ping(self.0, timeout, &raw mut time) }).map(|()| time)
    }

    pub fn request(&self, text: &str, timeout: i64, id: &str, reply: &str) -> Result<Event, i32> {
        let ptr = |text: &str| text.as_ptr().cast::<c_void>();
        event(|out| {
            // SAFETY: as above.
            unsafe {
                wsaddin_client_request(
                    self.0,
                    ptr(text),
                    text.len(),
                    timeout,
                    ptr(id),
                    id.len(),
                    ptr(reply),
                    reply.len(),
                    out,
                )
            }
        })
    }

    pub fn set(&self, set: extern "C-unwind" fn(wsaddin_client, i64) -> i32, value: i64) -> &Self {
        assert_eq!(set(self.0, value), 0, "{}", error_text());
        self
    }

    /// PingInterval and PongTimeout.
    pub fn keepalive(&self, interval: i64, pong: i64) -> &Self {
        self.set(wsaddin_client_set_ping_interval, interval).set(wsaddin_client_set_pong_timeout, pong)
    }

    pub fn get(&self, get: unsafe extern "C-unwind" fn(wsaddin_client, *mut i64) -> i32) -> i64 {
        // SAFETY: as above.
        number(|out| unsafe { get(self.0, out) })
    }

    pub fn queued(&self) -> i64 {
        self.get(wsaddin_client_get_queued)
    }

    pub fn ready_state(&self) -> i64 {
        self.get(wsaddin_client_get_ready_state)
    }

    pub fn status(&self) -> i64 {
        self.get(wsaddin_client_get_status)
    }

    pub fn close_code(&self) -> i64 {
        self.get(wsaddin_client_get_close_code)
    }

    pub fn close_reason(&self) -> String {
        // SAFETY: as above.
        string(|buffer, size, needed| unsafe { wsaddin_client_get_close_reason(self.0, buffer.cast(), size, needed) })
            .unwrap()
    }
}

impl Server {
    pub fn new() -> Self {
        let mut server = wsaddin_server { id: 0 };
        // SAFETY: as above.
        assert_eq!(unsafe { wsaddin_server_new(&raw mut server) }, 0, "{}", error_text());
        Self(server)
    }

    /// A server that listens on a port of its own.
    pub fn running() -> Self {
        let server = Self::new();
        assert_eq!(server.run("127.0.0.1"), Ok(()), "{}", error_text());
        server
    }

    pub fn run(&self, interface: &str) -> Result<(), i32> {
        // SAFETY: as above.
        check(unsafe { wsaddin_server_run(self.0, interface.as_ptr().cast(), interface.len(), 0) })
    }

    pub fn stop(&self) {
        assert_eq!(wsaddin_server_stop(self.0), 0);
    }

    pub fn port(&self) -> u16 {
        u16::try_from(self.get(wsaddin_server_get_port)).unwrap()
    }

    pub fn send(&self, connection: u64, data: &[u8]) -> Result<(), i32> {
        // SAFETY: as above.
        check(unsafe { wsaddin_server_send_binary(self.0, connection, data.as_ptr().cast(), data.len()) })
    }

    pub fn send_text(&self, connection: u64, text: &str) -> Result<(), i32> {
        // SAFETY: as above.
        check(unsafe { wsaddin_server_send_text(self.0, connection, text.as_ptr().cast(), text.len()) })
    }

    pub fn receive(&self, timeout: i64) -> Result<Event, i32> {
        // SAFETY: as above.
        event(|out| unsafe { wsaddin_server_receive(self.0, timeout, out) })
    }

    pub fn receive_event(&self, timeout: i64) -> Result<Event, i32> {
        // SAFETY: as above.
        event(|out| unsafe { wsaddin_server_receive_event(self.0, timeout, out) })
    }

    /// The next event of that kind; the others before it are skipped.
    pub fn next(&self, kind: i32, timeout: i64) -> Event {
        let deadline = Instant::now() + Duration::from_millis(timeout.unsigned_abs());
        loop {
            let left = i64::try_from(deadline.saturating_duration_since(Instant::now()).as_millis()).unwrap();
            let event = self.receive_event(left.max(1)).unwrap_or_else(|code| panic!("no event {kind}: {code}"));
            if event.kind() == kind {
                return event;
            }
        }
    }

    pub fn ping(&self, connection: u64, timeout: i64) -> Result<i64, i32> {
        let mut time = 0;
        // SAFETY: as above.
        check(unsafe { wsaddin_server_ping(self.0, connection, timeout, &raw mut time) }).map(|()| time)
    }

    pub fn info(&self, connection: u64) -> serde_json::Value {
        // SAFETY: as above.
        let text = string(|buffer, size, needed| unsafe {
            wsaddin_server_connection_info(self.0, connection, buffer.cast(), size, needed)
        });
        serde_json::from_str(&text.unwrap()).unwrap()
    }

    /// One figure of Statistics.
    pub fn figure(&self, name: &str) -> i64 {
        // SAFETY: as above.
        let text =
            string(|buffer, size, needed| unsafe { wsaddin_server_statistics(self.0, buffer.cast(), size, needed) });
        serde_json::from_str::<serde_json::Value>(&text.unwrap()).unwrap()[name].as_i64().unwrap()
    }

    pub fn set(&self, set: extern "C-unwind" fn(wsaddin_server, i64) -> i32, value: i64) -> &Self {
        assert_eq!(set(self.0, value), 0, "{}", error_text());
        self
    }

    /// PingInterval and PongTimeout.
    pub fn keepalive(&self, interval: i64, pong: i64) -> &Self {
        self.set(wsaddin_server_set_ping_interval, interval).set(wsaddin_server_set_pong_timeout, pong)
    }

    pub fn get(&self, get: unsafe extern "C-unwind" fn(wsaddin_server, *mut i64) -> i32) -> i64 {
        // SAFETY: as above.
        number(|out| unsafe { get(self.0, out) })
    }

    pub fn queued(&self) -> i64 {
        self.get(wsaddin_server_get_queued)
    }

    pub fn count(&self) -> i64 {
        self.get(wsaddin_server_get_connection_count)
    }
}

pub fn wait_any(ids: &[u64], timeout: i64) -> Result<usize, i32> {
    let mut index = 0;
    // SAFETY: as above.
    check(unsafe { wsaddin_wait_any(ids.as_ptr(), ids.len(), timeout, &raw mut index) }).map(|()| index)
}

/// Waits for a condition, and panics when it does not come.
pub fn until(what: &str, limit: Duration, mut met: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !met() {
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub const SOON: Duration = Duration::from_secs(20);
