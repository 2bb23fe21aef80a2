//! Whom a server lets in by a certificate.

use super::args;
use super::guard::guard_of;
use super::handle::{SERVERS, wsaddin_server};
use super::result::wsaddin_result;
use crate::options::Opt;
use std::ffi::{c_char, c_void};

/// Whether TLS clients are asked for a certificate that an authority of wsaddin_server_set_client_ca_file has issued:
/// `request` or `require`. One that is not good ends the handshake in both cases, none only with `require`. Then
/// wsaddin_server_connection_info and a pending event have `certificate` with `subject`, `issuer`, `serial`, `sha256`,
/// `not_after` and `names`. With TLS 1.3 a client learns of the refusal only after it believes that it is connected: its
/// connect fails at the answer to its request. Sessions are not resumed, so each handshake is judged. Read by
/// wsaddin_server_run_tls and wsaddin_server_reload_certificate; wsaddin_server_run fails with it. On Windows both fail with
/// WSADDIN_UNSUPPORTED. Default empty: nobody is asked.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_client_certificates(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        SERVERS.get(server.id)?.options().set_text(Opt::ClientCertificates, value)
    })
}

/// Reads what wsaddin_server_set_client_certificates sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_client_certificates(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.options().text(Opt::ClientCertificates))
    })
}

/// The authorities that issue the certificates of clients: the path of a PEM file, or PEM text. It may have their lists of
/// revoked certificates (X509 CRL), too, each signed by one of the authorities in it; whoever is on one, or whose
/// authority's list is out of date, is refused. Read by wsaddin_server_run_tls and wsaddin_server_reload_certificate. Default
/// empty.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_client_ca_file(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        SERVERS.get(server.id)?.options().set_text(Opt::ClientCAFile, value)
    })
}

/// Reads what wsaddin_server_set_client_ca_file sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_client_ca_file(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.options().text(Opt::ClientCAFile))
    })
}
