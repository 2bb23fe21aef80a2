//! Who may come in: the properties, and the host's own word.

use super::args;
use super::guard::guard_of;
use super::handle::{SERVERS, wsaddin_server};
use super::result::{Done, wsaddin_result};
use crate::error::Result;
use crate::options::Opt;
use std::ffi::{c_char, c_void};

/// Lets a connection in that a WSADDIN_EVENT_PENDING told of; WSADDIN_EVENT_OPEN follows. Never blocks. From now on it
/// can be used as any other: what is sent to it leaves right behind the handshake's answer.
///
/// @param connection  its number
/// @retval WSADDIN_CLOSED        it has gone, or that was decided already
/// @retval WSADDIN_BAD_ARGUMENT  there never was such a connection
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_accept(server: wsaddin_server, connection: u64) -> wsaddin_result {
    guard_of(server.id, || SERVERS.get(server.id)?.accept(connection).map(gone))
}

/// Refuses a connection that a WSADDIN_EVENT_PENDING told of; no other event of it follows. Never blocks.
///
/// @param connection   its number
/// @param http_status  400 to 599; 403 is usual
/// @param reason       the body of the answer, UTF-8, `size` bytes, copied; empty: what HTTP calls the status
/// @retval WSADDIN_CLOSED        it has gone, or that was decided already
/// @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or a status that is not allowed
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_reject(
    server: wsaddin_server,
    connection: u64,
    http_status: i64,
    reason: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let reason = unsafe { args::text("reason", reason, size) }?;
        SERVERS.get(server.id)?.reject(connection, http_status, reason).map(gone)
    })
}

/// False of the core means that the connection does not wait any more.
fn gone(found: bool) -> Done {
    if found { Done::Ok } else { Done::Closed }
}

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

/// Connections from one address at the same time; the next one gets HTTP 503; 0 is without limit. Acts at once. Default 0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_max_connections_per_address(
    server: wsaddin_server,
    value: i64,
) -> wsaddin_result {
    set(server, Opt::MaxConnectionsPerAddress, value)
}

/// Reads what wsaddin_server_set_max_connections_per_address sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_max_connections_per_address(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::MaxConnectionsPerAddress, value) }
}

/// 1: each incoming connection waits as WSADDIN_EVENT_PENDING for wsaddin_server_accept or wsaddin_server_reject. It
/// counts in MaxConnections, but is no connection yet. Acts at once. Default 0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_manual_accept(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::ManualAccept, value)
}

/// Reads what wsaddin_server_set_manual_accept sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_manual_accept(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::ManualAccept, value) }
}

/// 1: new connections get HTTP 503 with Retry-After, since the server is about to end; open ones stay until they end or
/// wsaddin_server_stop. Acts at once. Default 0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_draining(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::Draining, value)
}

/// Reads what wsaddin_server_set_draining sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_draining(server: wsaddin_server, value: *mut i64) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::Draining, value) }
}

/// Milliseconds that a pending one waits, 1 to 600000; then it gets HTTP 503. Default 30000.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_accept_timeout(server: wsaddin_server, value: i64) -> wsaddin_result {
    set(server, Opt::AcceptTimeout, value)
}

/// Reads what wsaddin_server_set_accept_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_accept_timeout(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::AcceptTimeout, value) }
}

/// What a browser's Origin may be, comma separated: `scheme://host[:port]`, where a host that begins with `*.` stands
/// for its subdomains, or `null`, which a local file and a sandboxed frame say. A host's name may be written in its own
/// letters. Another one gets HTTP 403; a request without one, as programs send it, passes; empty allows all. Acts at once.
/// Default empty.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_allowed_origins(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        SERVERS.get(server.id)?.options().set_text(Opt::AllowedOrigins, value)
    })
}

/// Reads what wsaddin_server_set_allowed_origins sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_allowed_origins(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.options().text(Opt::AllowedOrigins))
    })
}

/// When set, a handshake must carry it or gets HTTP 401: in `Authorization: Bearer ...`, in the query as
/// `access_token=...`, or, for browsers, as a subprotocol `access_token.<token>` beside the one they want, which is never
/// selected; what a subprotocol's name may not hold is percent-encoded. The token is compared in constant time and shown
/// as `***` everywhere. Acts at once. Default empty.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_access_token(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        SERVERS.get(server.id)?.options().set_text(Opt::AccessToken, value)
    })
}

/// Reads what wsaddin_server_set_access_token sets, as `***`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_access_token(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.options().text(Opt::AccessToken))
    })
}

/// Reverse proxies that speak for others: addresses and networks (10.0.0.0/8), comma separated, `unix` for who comes
/// through a Unix socket. From them, and from nobody else, a head of the PROXY protocol (1 and 2) is understood, and
/// Forwarded, or X-Forwarded-For with X-Forwarded-Proto, tells the address and whether it is secure: of
/// wsaddin_server_connection_info (which has `proxy` then, too), of wsaddin_server_get_connections, of
/// MaxConnectionsPerAddress and of the log. The headers are read from the right: the first address that is not trusted
/// counts, and an entry that cannot be read ends the search at the last good one. Both headers with different addresses
/// get HTTP 400. Behind a PROXY head the headers count only if the address in it is trusted, too. For connections that
/// come later. Default empty.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_trusted_proxies(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        SERVERS.get(server.id)?.options().set_text(Opt::TrustedProxies, value)
    })
}

/// Reads what wsaddin_server_set_trusted_proxies sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_trusted_proxies(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.options().text(Opt::TrustedProxies))
    })
}
