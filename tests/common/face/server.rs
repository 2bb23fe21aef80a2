//! The server.

use super::{Event, Got, Outcome, SOON, check, done, number, take, text};
use std::ptr::null_mut;
use websocket_addin::capi::*;

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
        draining wsaddin_server_set_draining;
        idle_timeout wsaddin_server_set_idle_timeout;
        messages_per_second wsaddin_server_set_messages_per_second;
        connection_queue_messages wsaddin_server_set_connection_queue_messages;
        connection_queue_bytes wsaddin_server_set_connection_queue_bytes;
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

    pub fn error_code(&self) -> i32 {
        number(|place| unsafe { wsaddin_server_get_error_code(self.0, place) }).try_into().unwrap()
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

    /// The next event, which has to be of this kind.
    #[track_caller]
    pub fn expect(&self, kind: wsaddin_event) -> Event {
        self.event().of(kind)
    }

    /// The connection of the next event, which has to be an `open`.
    #[track_caller]
    pub fn opened(&self) -> u64 {
        self.expect(WSADDIN_EVENT_OPEN).connection
    }

    pub fn set_access_token(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_access_token(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn set_health_path(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_health_path(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn set_pages_folder(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_pages_folder(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn set_control_path(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_control_path(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn set_control_token(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_control_token(self.0, value.as_ptr().cast(), value.len()) })
    }

    pub fn control_token(&self) -> String {
        text(|buffer, capacity, needed| unsafe { wsaddin_server_get_control_token(self.0, buffer, capacity, needed) })
            .unwrap()
    }

    pub fn metrics(&self) -> String {
        text(|buffer, capacity, needed| unsafe { wsaddin_metrics(self.0, buffer, capacity, needed) }).unwrap()
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
        // One call: between two it may go.
        let mut gone = false;
        let json = text(|buffer, size, needed| {
            // SAFETY: the buffer has the size, and `needed` is a place.
            let result = unsafe { wsaddin_server_connection_info(self.0, connection, buffer, size, needed) };
            gone = result == WSADDIN_CLOSED;
            if gone { WSADDIN_OK } else { result }
        });
        if gone {
            return Ok(None);
        }
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
