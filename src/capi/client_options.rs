//! The settable properties of a client. Reading and setting never block and never fail because of its state.

use super::args;
use super::guard::guard_of;
use super::handle::{CLIENTS, wsaddin_client};
use super::result::wsaddin_result;
use crate::error::Result;
use crate::options::Opt;
use std::ffi::{c_char, c_void};

fn set(client: wsaddin_client, option: Opt, value: i64) -> wsaddin_result {
    guard_of(client.id, || CLIENTS.get(client.id)?.options().set_int(option, value))
}

/// # Safety
/// `value` is NULL or writable for the whole call.
unsafe fn get(client: wsaddin_client, option: Opt, value: *mut i64) -> wsaddin_result {
    guard_of(client.id, || -> Result<()> {
        // SAFETY: the same promise.
        let out = unsafe { args::out("value", value, 0) }?;
        out.set(CLIENTS.get(client.id)?.options().int(option));
        Ok(())
    })
}

/// Milliseconds for lookup, TLS and handshake together; 0 is without limit. Default 10000.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_connect_timeout(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::ConnectTimeout, value)
}

/// Reads what wsaddin_client_set_connect_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_connect_timeout(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::ConnectTimeout, value) }
}

/// Milliseconds for the closing handshake; 0 aborts at once. Default 3000.
/// A peer that breaks the protocol is sent its close code when the messages that it had sent before have been taken, so
/// that they can be answered: at most within this time and 1 second.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_close_timeout(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::CloseTimeout, value)
}

/// Reads what wsaddin_client_set_close_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_close_timeout(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::CloseTimeout, value) }
}

/// Milliseconds that sending waits for room in the queue; 0 is without limit, negative does not wait. Default 5000.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_send_timeout(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::SendTimeout, value)
}

/// Reads what wsaddin_client_set_send_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_send_timeout(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::SendTimeout, value) }
}

/// Milliseconds without a received byte after which a ping is sent; 0 is off. Default 20000.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_ping_interval(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::PingInterval, value)
}

/// Reads what wsaddin_client_set_ping_interval sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_ping_interval(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::PingInterval, value) }
}

/// Milliseconds for the answer to such a ping, after which the connection has ended; 0 is off. Default 20000.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_pong_timeout(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::PongTimeout, value)
}

/// Reads what wsaddin_client_set_pong_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_pong_timeout(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::PongTimeout, value) }
}

/// The largest incoming message in bytes; a larger one ends the connection with 1009. Default 67108864.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_max_message_size(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::MaxMessageSize, value)
}

/// Reads what wsaddin_client_set_max_message_size sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_max_message_size(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::MaxMessageSize, value) }
}

/// Messages that may wait to be received; beyond, reading from the network pauses. Default 65536.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_receive_queue_messages(
    client: wsaddin_client,
    value: i64,
) -> wsaddin_result {
    set(client, Opt::ReceiveQueueMessages, value)
}

/// Reads what wsaddin_client_set_receive_queue_messages sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_receive_queue_messages(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::ReceiveQueueMessages, value) }
}

/// Bytes that may wait to be received; beyond, reading from the network pauses. Default 67108864.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_receive_queue_bytes(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::ReceiveQueueBytes, value)
}

/// Reads what wsaddin_client_set_receive_queue_bytes sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_receive_queue_bytes(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::ReceiveQueueBytes, value) }
}

/// Bytes that may wait to be sent; a message for which nothing else waits may be longer. Default 67108864.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_send_queue_bytes(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::SendQueueBytes, value)
}

/// Reads what wsaddin_client_set_send_queue_bytes sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_send_queue_bytes(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::SendQueueBytes, value) }
}

/// 1 (the default) offers, or accepts, permessage-deflate (RFC 7692); 0 does not. From the next connect or
/// reconnection on. A message under 256 bytes, or one that would not become smaller, goes out as it is.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_compression(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::Compression, value)
}

/// Reads what wsaddin_client_set_compression sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_compression(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::Compression, value) }
}

/// 1 lets a message refer to those before it, in both directions: small messages that resemble each other shrink much
/// more, and each connection keeps about 300 KiB for what it sends and 47 KiB for what it receives (at 15 bits). 0
/// (the default): a connection keeps nothing between messages, and asks its server not to; for a server that does all
/// the same it keeps the 47 KiB from the first compressed message on. From the next connect or reconnection on.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_compression_context(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::CompressionContext, value)
}

/// Reads what wsaddin_client_set_compression_context sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_compression_context(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::CompressionContext, value) }
}

/// The largest compression window in either direction, as a power of two: 8 to 15. A server is asked for 9 at least,
/// since zlib cannot compress with 8, and may have a larger one. From the next connect or reconnection on. Default 15.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_compression_window_bits(
    client: wsaddin_client,
    value: i64,
) -> wsaddin_result {
    set(client, Opt::CompressionWindowBits, value)
}

/// Reads what wsaddin_client_set_compression_window_bits sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_compression_window_bits(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::CompressionWindowBits, value) }
}

/// Milliseconds before a lost connection is tried again, until wsaddin_client_disconnect; 0 is off. Acts at once: 0 gives
/// up a reconnection that waits, and what is queued for it. Not followed: our own disconnect, the other side's close with
/// 1000, 1002, 1003, 1007 to 1010 or 4000 to 4999, and a close for its breach of the protocol. While it reconnects the
/// status is -1 and the state 0, sending queues, and each failed attempt is a WSADDIN_EVENT_ERROR. Default 0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_reconnect_interval(client: wsaddin_client, value: i64) -> wsaddin_result {
    set(client, Opt::ReconnectInterval, value)
}

/// Reads what wsaddin_client_set_reconnect_interval sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_reconnect_interval(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::ReconnectInterval, value) }
}

/// When above the reconnect interval: the bound of the wait doubles with each failure up to this many milliseconds, and
/// each wait is drawn anew between nothing and its bound, so that many clients do not come back all at once. Default 0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_reconnect_max_interval(
    client: wsaddin_client,
    value: i64,
) -> wsaddin_result {
    set(client, Opt::ReconnectMaxInterval, value)
}

/// Reads what wsaddin_client_set_reconnect_max_interval sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_reconnect_max_interval(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::ReconnectMaxInterval, value) }
}

/// After so many attempts in a row that have failed, the first of wsaddin_client_begin_connect included, it gives up:
/// status -1, ready state 3, what waits to be sent is dropped; the last WSADDIN_EVENT_ERROR says so. 0: never. Counts from
/// the next failure on. A Retry-After of 429 or 503 is kept to whatever the interval, but for no longer than the larger of
/// ReconnectMaxInterval and 60 seconds. Default 0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_max_reconnect_attempts(
    client: wsaddin_client,
    value: i64,
) -> wsaddin_result {
    set(client, Opt::MaxReconnectAttempts, value)
}

/// Reads what wsaddin_client_set_max_reconnect_attempts sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_max_reconnect_attempts(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(client, Opt::MaxReconnectAttempts, value) }
}

/// A text that goes out first on every connection, before anything that waits; empty: none. From the next connect or
/// reconnection on. Default empty.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_set_hello_message(
    client: wsaddin_client,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        CLIENTS.get(client.id)?.options().set_text(Opt::HelloMessage, value)
    })
}

/// Reads what wsaddin_client_set_hello_message sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_hello_message(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&CLIENTS.get(client.id)?.options().text(Opt::HelloMessage))
    })
}

/// Subprotocols to offer, comma separated, preferred first; from the next connect or reconnection on. A server that
/// selects none of them is refused (WSADDIN_HANDSHAKE), as browsers do. Default empty.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_set_protocols(
    client: wsaddin_client,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        CLIENTS.get(client.id)?.options().set_text(Opt::Protocols, value)
    })
}

/// Reads what wsaddin_client_set_protocols sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_protocols(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&CLIENTS.get(client.id)?.options().text(Opt::Protocols))
    })
}

/// The proxy to connect through, from the next connect on: `http://user:password@host:3128` (CONNECT, Basic or Digest) or
/// `socks5://user:password@host:1080`, user name and password percent-encoded; `env`: what HTTPS_PROXY, HTTP_PROXY,
/// ALL_PROXY and NO_PROXY say (in lower case first); `system`: as `env`, on Windows the user's static settings (no
/// PAC); empty: none. The proxy looks the server's name up. Its failures are WSADDIN_PROXY. Default empty.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_set_proxy(
    client: wsaddin_client,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        CLIENTS.get(client.id)?.options().set_text(Opt::Proxy, value)
    })
}

/// Reads what wsaddin_client_set_proxy sets, with `***` for the password.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_proxy(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&CLIENTS.get(client.id)?.options().text(Opt::Proxy))
    })
}
