//! Whom a client trusts, and where it lets itself be sent.

use super::args;
use super::guard::guard_of;
use super::handle::{CLIENTS, wsaddin_client};
use super::result::wsaddin_result;
use crate::options::Opt;
use std::ffi::{c_char, c_void};

/// Trusted roots beside the system's: the path of a PEM file, or PEM text; from the next connect on. Default empty.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_set_ca_file(
    client: wsaddin_client,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        CLIENTS.get(client.id)?.options().set_text(Opt::CAFile, value)
    })
}

/// Reads what wsaddin_client_set_ca_file sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_ca_file(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&CLIENTS.get(client.id)?.options().text(Opt::CAFile))
    })
}

/// 1: the server's certificate and its name are checked. 0: they are not, and anybody may pose as the server; for this
/// client alone, from the next connect on. Default 1.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_verify_certificate(client: wsaddin_client, value: i64) -> wsaddin_result {
    guard_of(client.id, || CLIENTS.get(client.id)?.options().set_int(Opt::VerifyCertificate, value))
}

/// Reads what wsaddin_client_set_verify_certificate sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_verify_certificate(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("value", value, 0) }?;
        out.set(CLIENTS.get(client.id)?.options().int(Opt::VerifyCertificate));
        Ok(())
    })
}

/// Public keys of which a server must have one, from the next connect on: comma separated, each `sha256/` and the Base64 of
/// the SHA-256 of a key as certificates hold it (SubjectPublicKeyInfo), as curl has them. Beside all other checks one key of
/// the chain that was verified must be among them, the root's or the server's own; with VerifyCertificate 0 the server's
/// own. Empty: any. A ws:// URL has no certificate, and nothing is compared. Default empty.
///
/// @retval WSADDIN_BAD_ARGUMENT  one of them is malformed; nothing is changed
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_set_pinned_certificates(
    client: wsaddin_client,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        CLIENTS.get(client.id)?.options().set_text(Opt::PinnedCertificates, value)
    })
}

/// Reads what wsaddin_client_set_pinned_certificates sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_pinned_certificates(
    client: wsaddin_client,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&CLIENTS.get(client.id)?.options().text(Opt::PinnedCertificates))
    })
}

/// How many redirects (301, 302, 303, 307, 308) are followed at each connect, 0 to 20; all within ConnectTimeout, to ws,
/// wss, http and https URLs and relative ones, never from wss to ws. To another host or port goes nothing that was meant
/// for the first: no user name and password, no headers of wsaddin_client_set_header, no client certificate, no subprotocol
/// that carries a token (as access_token.…). The next reconnection begins at the first URL again. Default 0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_set_max_redirects(client: wsaddin_client, value: i64) -> wsaddin_result {
    guard_of(client.id, || CLIENTS.get(client.id)?.options().set_int(Opt::MaxRedirects, value))
}

/// Reads what wsaddin_client_set_max_redirects sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_get_max_redirects(
    client: wsaddin_client,
    value: *mut i64,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("value", value, 0) }?;
        out.set(CLIENTS.get(client.id)?.options().int(Opt::MaxRedirects));
        Ok(())
    })
}
