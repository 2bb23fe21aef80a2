//! The client.

use super::{Event, Got, Outcome, SOON, done, number, take, text};
use websocket_addin::capi::*;

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
        max_reconnect_attempts wsaddin_client_set_max_reconnect_attempts;
        max_redirects wsaddin_client_set_max_redirects;
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

    pub fn abort(&self) -> Outcome {
        done(wsaddin_client_abort(self.0))
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

    /// The next event, which has to be of this kind.
    #[track_caller]
    pub fn expect(&self, kind: wsaddin_event) -> Event {
        self.event().of(kind)
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

    pub fn handshake_status(&self) -> i64 {
        number(|place| unsafe { wsaddin_client_get_handshake_status(self.0, place) })
    }

    pub fn response_headers(&self) -> serde_json::Value {
        let json =
            text(|buffer, size, needed| unsafe { wsaddin_client_get_response_headers(self.0, buffer, size, needed) });
        serde_json::from_str(&json.unwrap()).unwrap_or_default()
    }

    pub fn response_body(&self) -> String {
        text(|buffer, size, needed| unsafe { wsaddin_client_get_response_body(self.0, buffer, size, needed) }).unwrap()
    }

    pub fn error_code(&self) -> i32 {
        number(|place| unsafe { wsaddin_client_get_error_code(self.0, place) }).try_into().unwrap()
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
