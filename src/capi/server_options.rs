//! The settable properties of a server. Reading and setting never block and never fail because of its state.

use super::args;
use super::guard::guard_of;
use super::handle::{SERVERS, wsaddin_server};
use super::result::wsaddin_result;
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

/// Milliseconds for the closing handshake; 0 aborts at once. Default 3000.
/// A peer that breaks the protocol is sent its close code when the messages that it had sent before have been taken, so
/// that they can be answered: at most within this time and 1 second.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_close_timeout(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::CloseTimeout, value)
}

/// Reads what wsaddin_server_set_close_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_close_timeout(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::CloseTimeout, value) }
}

/// Milliseconds that sending waits for room in the queue; 0 is without limit, negative does not wait. Default -1.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_send_timeout(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::SendTimeout, value)
}

/// Reads what wsaddin_server_set_send_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_send_timeout(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::SendTimeout, value) }
}

/// Milliseconds without a received byte after which a ping is sent; 0 is off. Default 20000.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_ping_interval(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::PingInterval, value)
}

/// Reads what wsaddin_server_set_ping_interval sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_ping_interval(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::PingInterval, value) }
}

/// Milliseconds for the answer to such a ping, after which the connection has ended; 0 is off. Default 20000.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_pong_timeout(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::PongTimeout, value)
}

/// Reads what wsaddin_server_set_pong_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_pong_timeout(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::PongTimeout, value) }
}

/// The largest incoming message in bytes; a larger one ends the connection with 1009. Default 67108864.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_max_message_size(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::MaxMessageSize, value)
}

/// Reads what wsaddin_server_set_max_message_size sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_max_message_size(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::MaxMessageSize, value) }
}

/// Messages that may wait to be received; beyond, reading from the network pauses. Default 65536.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_receive_queue_messages(
    server: wsaddin_server,
    value: i64,
) -> wsaddin_result {
    set(server, Opt::ReceiveQueueMessages, value)
}

/// Reads what wsaddin_server_set_receive_queue_messages sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_receive_queue_messages(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::ReceiveQueueMessages, value) }
}

/// Bytes that may wait to be received; beyond, reading from the network pauses. Default 67108864.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_receive_queue_bytes(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::ReceiveQueueBytes, value)
}

/// Reads what wsaddin_server_set_receive_queue_bytes sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_receive_queue_bytes(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::ReceiveQueueBytes, value) }
}

/// Bytes that may wait to be sent on one connection; a message for which nothing else waits may be longer. Default
/// 4194304.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_send_queue_bytes(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::SendQueueBytes, value)
}

/// Reads what wsaddin_server_set_send_queue_bytes sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_send_queue_bytes(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::SendQueueBytes, value) }
}

/// 1 (the default) offers, or accepts, permessage-deflate (RFC 7692); 0 does not. For connections that come from now
/// on. A message under 256 bytes, or one that would not become smaller, goes out as it is.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_compression(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::Compression, value)
}

/// Reads what wsaddin_server_set_compression sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_compression(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::Compression, value) }
}

/// 1 lets a message refer to those before it, in both directions: small messages that resemble each other shrink much
/// more, and each connection keeps about 300 KiB for what it sends and 47 KiB for what it receives (at 15 bits). 0
/// (the default): a connection keeps nothing between messages. For connections that come from now on.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_compression_context(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::CompressionContext, value)
}

/// Reads what wsaddin_server_set_compression_context sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_compression_context(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::CompressionContext, value) }
}

/// The largest compression window in either direction, as a power of two: 8 to 15. A client that does not name 8
/// itself is asked for 9 at least, since zlib cannot compress with 8. For connections that come from now on. Default 15.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_compression_window_bits(
    server: wsaddin_server,
    value: i64,
) -> wsaddin_result {
    set(server, Opt::CompressionWindowBits, value)
}

/// Reads what wsaddin_server_set_compression_window_bits sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_compression_window_bits(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::CompressionWindowBits, value) }
}

/// Connections at most; the next one gets HTTP 503. Default 10000.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_max_connections(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::MaxConnections, value)
}

/// Reads what wsaddin_server_set_max_connections sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_max_connections(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::MaxConnections, value) }
}

/// Milliseconds, 1 to 600000, in which an incoming connection must have finished its handshake. Default 10000.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_handshake_timeout(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::HandshakeTimeout, value)
}

/// Reads what wsaddin_server_set_handshake_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_handshake_timeout(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::HandshakeTimeout, value) }
}

/// Bytes of unfinished messages of all connections together; one that would exceed it is closed with 1013. Default
/// 268435456.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_assembly_bytes(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::AssemblyBytes, value)
}

/// Reads what wsaddin_server_set_assembly_bytes sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_assembly_bytes(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::AssemblyBytes, value) }
}

/// I/O threads, 1 to 64; the process runs as many as its largest running server asks for. Default 1.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_io_threads(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::IoThreads, value)
}

/// Reads what wsaddin_server_set_io_threads sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_io_threads(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::IoThreads, value) }
}

/// Subprotocols that are supported, comma separated, preferred first; from the next run on. Default empty.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_protocols(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        SERVERS.get(server.id)?.options().set_text(Opt::Protocols, value)
    })
}

/// Reads what wsaddin_server_set_protocols sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_protocols(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.options().text(Opt::Protocols))
    })
}
