//! What a client tells of itself.

use super::args::{self, clamp};
use super::guard::{guard_of, language};
use super::handle::{CLIENTS, wsaddin_client};
use super::result::wsaddin_result;
use crate::client::Client;
use crate::error::Result;
use std::ffi::c_char;

/// # Safety
/// `value` is NULL or writable for the whole call.
unsafe fn number(client: wsaddin_client, value: *mut i64, read: impl FnOnce(&Client) -> i64) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the same promise.
        let out = unsafe { args::out("value", value, 0) }?;
        out.set(read(&*CLIENTS.get(client.id)?));
        Ok(())
    })
}

/// # Safety
/// As for [`args::text_out`].
unsafe fn text<T: args::Told>(
    client: wsaddin_client,
    (buffer, capacity, needed): (*mut c_char, usize, *mut usize),
    read: impl FnOnce(&Client) -> T,
) -> wsaddin_result {
    guard_of(client.id, || -> Result<()> {
        // SAFETY: the same promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&read(&*CLIENTS.get(client.id)?).told()?)
    })
}

/// The status: 1 open, 0 not (yet, or any more), -1 failed, broken or reconnecting. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_status(client: wsaddin_client, value: *mut i64) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(client, value, |client| client.status().into()) }
}

/// The state: 0 connecting or reconnecting, 1 open, 2 closing, 3 closed. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_ready_state(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(client, value, |client| client.ready_state().into()) }
}

/// The URL connected to, without user, query and fragment; empty when not connected. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_server(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { text(client, (buffer, capacity, needed), Client::server) }
}

/// Bytes that were accepted for sending and not yet taken by the system. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_buffered_amount(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(client, value, |client| clamp(client.buffered_amount())) }
}

/// Messages that were received and not yet taken. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_queued(client: wsaddin_client, value: *mut i64) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(client, value, |client| clamp(client.queued())) }
}

/// The subprotocol in force, or empty. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_protocol(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { text(client, (buffer, capacity, needed), Client::protocol) }
}

/// The extensions in force, or empty. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_extensions(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { text(client, (buffer, capacity, needed), Client::extensions) }
}

/// The close code of the last connection: 0 while there was no end, 1006 when it broke. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_close_code(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(client, value, |client| client.close_code().into()) }
}

/// The close reason of the last connection; where the end was made on our side, our own text. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_close_reason(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { text(client, (buffer, capacity, needed), |client| client.close_reason(language())) }
}

/// What the server answered to the last handshake, successful or not: the HTTP status, 101 of a connection that opened; 0
/// when there was no answer, or none yet. A redirect that was followed does not count. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_handshake_status(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(client, value, |client| client.handshake_status().into()) }
}

/// The headers of that answer as a JSON object: names in lower case, repeats joined by ", ", set-cookie an array. Empty
/// when there was no answer. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_response_headers(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { text(client, (buffer, capacity, needed), Client::response_headers) }
}

/// The first 16 KiB of the body of that answer, where it was a refusal or a redirect, as text: by the charset of
/// Content-Type where that is ISO-8859-1, Windows-1251, Windows-1252, KOI8-R or IBM866, else as UTF-8. It may come for two
/// seconds, and within ConnectTimeout; what has come by then is there. Empty for a body with a Content-Encoding, which
/// the client does not ask for. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_response_body(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { text(client, (buffer, capacity, needed), Client::response_body) }
}

/// The result of this client's last call that failed, on whatever thread, or, later, of a failed attempt to connect again;
/// 0 when nothing has failed yet. Success leaves it as it is. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_error_code(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { number(client, value, |client| client.last_failure().code().into()) }
}

/// Counters as JSON: messages_in, messages_out, bytes_in, bytes_out, queued_in, queued_in_bytes, queued_out_bytes, pings,
/// round_trip_ms (null before the first pong), connects, reconnects, rejected (by reason), closes (by code),
/// connections, sessions_waiting, warnings, started_at (ISO 8601, UTC). Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_statistics(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { text(client, (buffer, capacity, needed), Client::statistics) }
}
