//! Certificates.

use super::args;
use super::guard::guard_of;
use super::handle::{CLIENTS, SERVERS, wsaddin_client, wsaddin_server};
use super::result::wsaddin_result;
use std::ffi::c_void;

/// The same as wsaddin_server_run with TLS. Blocks while the files are read and the key is decrypted, too.
///
/// Certificate and key are paths or PEM text, UTF-8: PEM with the chain and the key in one file or in two (keys of PKCS#8,
/// PKCS#1 and SEC1, plain or encrypted), or PKCS#12. A certificate that has expired works; wsaddin_server_statistics warns.
///
/// @param certificate  the certificate with its chain, and the key unless `key` is given
/// @param key          the key; empty when it is in `certificate`. Without a password, a key that is neither a file nor
///                     PEM text is the password
/// @param password     of the key or the PKCS#12; copied, and wiped when the server stops
/// @retval WSADDIN_FILE  a file cannot be read or used, or the password is wrong; the text says which and why
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_run_tls(
    server: wsaddin_server,
    interface_name: *const c_void,
    size: usize,
    port: i64,
    certificate: *const c_void,
    certificate_size: usize,
    key: *const c_void,
    key_size: usize,
    password: *const c_void,
    password_size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise, for all of them.
        let (interface, sources) = unsafe {
            let interface = args::text("interface_name", interface_name, size)?;
            (interface, args::sources((certificate, certificate_size), (key, key_size), (password, password_size))?)
        };
        SERVERS.get(server.id)?.run_tls(interface, port, sources)
    })
}

/// Gives new connections a renewed certificate; those that are open go on. Blocks while it is read. When that fails the
/// old one stays.
///
/// @param certificate  as for wsaddin_server_run_tls; with all three empty, what was given last is read again
/// @retval WSADDIN_FILE         a file cannot be read or used, or the password is wrong
/// @retval WSADDIN_NOT_RUNNING  it does not run
/// @retval WSADDIN_UNSUPPORTED  it runs without TLS
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_reload_certificate(
    server: wsaddin_server,
    certificate: *const c_void,
    certificate_size: usize,
    key: *const c_void,
    key_size: usize,
    password: *const c_void,
    password_size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise, for all of them.
        let sources =
            unsafe { args::sources((certificate, certificate_size), (key, key_size), (password, password_size)) }?;
        SERVERS.get(server.id)?.reload_certificate(sources)
    })
}

/// Sets what the client shows from the next connect on when a server asks for a certificate (mutual TLS). Blocks while it
/// is read. When that fails the old one stays.
///
/// @param certificate  as for wsaddin_server_run_tls; with all three empty: none any more
/// @retval WSADDIN_FILE  a file cannot be read or used, or the password is wrong; the text says which and why
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_set_client_certificate(
    client: wsaddin_client,
    certificate: *const c_void,
    certificate_size: usize,
    key: *const c_void,
    key_size: usize,
    password: *const c_void,
    password_size: usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise, for all of them.
        let sources =
            unsafe { args::sources((certificate, certificate_size), (key, key_size), (password, password_size)) }?;
        CLIENTS.get(client.id)?.set_client_certificate(&sources)
    })
}
