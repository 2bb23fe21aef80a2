//! What a server tells of itself and of its connections.

use super::args::{self, clamp};
use super::guard::{guard_of, language};
use super::handle::{SERVERS, wsaddin_server};
use super::result::{Done, wsaddin_result};
use crate::error::Result;
use crate::server::Server;
use std::ffi::c_char;

/// A connection as JSON: id, name, groups, address, path, query, headers (names in lower case, repeats joined by ", "),
/// protocol, extensions, secure, state ("pending" or "open"), connected_at (ISO 8601, UTC), messages_in, messages_out,
/// bytes_in, bytes_out, queued_in, queued_out, queued_out_bytes, round_trip_ms (null before the first pong). Never blocks.
///
/// @retval WSADDIN_CLOSED        that connection has gone
/// @retval WSADDIN_BAD_ARGUMENT  there never was such a connection
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_connection_info(
    server: wsaddin_server,
    connection: u64,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        match SERVERS.get(server.id)?.connection_info(connection)? {
            Some(json) => out.set(&json).map(Done::from),
            None => Ok(Done::Closed),
        }
    })
}

/// All connections as a JSON array of what wsaddin_server_connection_info tells, without headers. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_connection_list(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.connection_list()?)
    })
}

/// # Safety
/// `value` is NULL or writable for the whole call.
unsafe fn number(server: wsaddin_server, value: *mut i64, read: impl FnOnce(&Server) -> i64) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the same promise.
        let out = unsafe { args::out("value", value, 0) }?;
        out.set(read(&*SERVERS.get(server.id)?));
        Ok(())
    })
}

/// # Safety
/// As for [`args::text_out`].
unsafe fn text<T: args::Told>(
    server: wsaddin_server,
    (buffer, capacity, needed): (*mut c_char, usize, *mut usize),
    read: impl FnOnce(&Server) -> T,
) -> wsaddin_result {
    guard_of(server.id, || -> Result<()> {
        // SAFETY: the same promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&read(&*SERVERS.get(server.id)?).told()?)
    })
}

/// The address listened on, without the port; empty when stopped. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_server(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { text(server, (buffer, capacity, needed), Server::server) }
}

/// The port listened on; 0 when stopped. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_port(server: wsaddin_server, value: *mut i64) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(server, value, |server| server.port().into()) }
}

/// The connections for people, like "1: 127.0.0.1:50412 | 2: 127.0.0.1:50413". Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_connections(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { text(server, (buffer, capacity, needed), Server::connections) }
}

/// How many connections there are. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_connection_count(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(server, value, |server| clamp(server.connection_count())) }
}

/// Messages that were received and not yet taken. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_queued(server: wsaddin_server, value: *mut i64) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(server, value, |server| clamp(server.queued())) }
}

/// The result of this server's last call that failed, on whatever thread; 0 when nothing has failed yet. Success leaves it
/// as it is. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_error_code(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(server, value, |server| server.last_failure().code().into()) }
}

/// Counters as JSON: messages_in, messages_out, bytes_in, bytes_out, queued_in, queued_in_bytes, queued_out_bytes, pings,
/// round_trip_ms (null before the first pong), connects, reconnects, rejected (by reason), closes (by code),
/// connections, sessions_waiting, warnings, started_at (ISO 8601, UTC). Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_statistics(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { text(server, (buffer, capacity, needed), |server| server.statistics(language())) }
}
