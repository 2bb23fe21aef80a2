//! What one connection may take of a server, and what it is answered.

use super::args;
use super::guard::guard_of;
use super::handle::{SERVERS, wsaddin_server};
use super::result::{Done, wsaddin_result};
use crate::error::Result;
use crate::options::Opt;
use std::ffi::{c_char, c_void};

fn set(server: wsaddin_server, option: Opt, value: i64) -> wsaddin_result {
    guard_of(server.id, || SERVERS.get(server.id)?.options().set_int(option, value))
}

/// # Safety
/// `value` is NULL or writable for the whole call.
unsafe fn get(server: wsaddin_server, option: Opt, value: *mut i64) -> wsaddin_result {
    guard_of(server.id, || -> Result<()> {
        // SAFETY: the same promise.
        let out = unsafe { args::out("value", value, 0) }?;
        out.set(SERVERS.get(server.id)?.options().int(option));
        Ok(())
    })
}

/// False of the core means that the connection has gone.
fn gone(found: bool) -> Done {
    if found { Done::Ok } else { Done::Closed }
}

/// Ends a connection at once, without a close handshake; its close (1006) follows. Never blocks.
///
/// @retval WSADDIN_CLOSED        that connection has gone already
/// @retval WSADDIN_BAD_ARGUMENT  there never was such a connection
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_abort(server: wsaddin_server, connection: u64) -> wsaddin_result {
    guard_of(server.id, || SERVERS.get(server.id)?.abort(connection).map(gone))
}

/// Stops reading from a connection, so that its peer has to wait, or goes on. What was read already is handed over.
/// Keepalive does not end it meanwhile; a ping of wsaddin_server_ping is not answered. Never blocks.
///
/// @param on  1: stops, 0: goes on
/// @retval WSADDIN_CLOSED        that connection has gone
/// @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or neither 0 nor 1
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_pause(server: wsaddin_server, connection: u64, on: i32) -> wsaddin_result {
    guard_of(server.id, || {
        let server = SERVERS.get(server.id)?;
        server.pause(connection, args::flag("on", on)?).map(gone)
    })
}

/// A header of every answer to a handshake from now on, 101 and refusals; an empty value removes it.
///
/// @param name   of an HTTP header that does not belong to the answer itself, `name_size` bytes
/// @param value  `size` bytes without line breaks, copied
/// @retval WSADDIN_BAD_ARGUMENT  a name or value that is not allowed
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_response_header(
    server: wsaddin_server,
    name: *const c_void,
    name_size: usize,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let name = unsafe { args::text("name", name, name_size) }?;
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        SERVERS.get(server.id)?.set_response_header(name, value)
    })
}

/// The paths that may be asked for, comma separated; one that ends with a slash and an asterisk stands for everything
/// below that folder, but not for the folder itself; another gets HTTP 404; empty: any. Acts at once. Default empty.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_paths(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        SERVERS.get(server.id)?.options().set_text(Opt::Paths, value)
    })
}

/// Reads what wsaddin_server_set_paths sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_paths(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.options().text(Opt::Paths))
    })
}

/// Milliseconds after which a connection that has had no message in either direction is closed with 1001; pings do not
/// count. It is found at most an eighth of that later. 0: off. Acts at once. Default 0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_idle_timeout(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::IdleTimeout, value)
}

/// Reads what wsaddin_server_set_idle_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_idle_timeout(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::IdleTimeout, value) }
}

/// How many messages a connection may send a second on average, with a burst of twice that; beyond it reading from it
/// pauses. 0: without limit. Acts at once. Default 0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_messages_per_second(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::MessagesPerSecond, value)
}

/// Reads what wsaddin_server_set_messages_per_second sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_messages_per_second(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::MessagesPerSecond, value) }
}

/// How many messages of one connection may wait in the receive queue, so that one that floods delays the others by no
/// more than that; never more than a quarter of ReceiveQueueMessages. Acts at once. Default 1024.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_connection_queue_messages(
    server: wsaddin_server,
    value: i64,
) -> wsaddin_result {
    set(server, Opt::ConnectionQueueMessages, value)
}

/// Reads what wsaddin_server_set_connection_queue_messages sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_connection_queue_messages(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::ConnectionQueueMessages, value) }
}

/// How many bytes of one connection may wait in the receive queue; never more than a quarter of ReceiveQueueBytes. Acts
/// at once. Default 16777216.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_connection_queue_bytes(
    server: wsaddin_server,
    value: i64,
) -> wsaddin_result {
    set(server, Opt::ConnectionQueueBytes, value)
}

/// Reads what wsaddin_server_set_connection_queue_bytes sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_connection_queue_bytes(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::ConnectionQueueBytes, value) }
}
