//! Plain HTTP on the server's port.

use super::args;
use super::guard::guard;
use super::handle::{SERVERS, wsaddin_server};
use super::result::wsaddin_result;
use crate::options::Opt;
use std::ffi::{c_char, c_void};

/// # Safety
/// As for [`args::text`].
unsafe fn set(server: wsaddin_server, option: Opt, value: *const c_void, size: usize) -> wsaddin_result {
    guard(|| {
        // SAFETY: the same promise.
        let value = unsafe { args::text("value", value, size) }?;
        SERVERS.get(server.id)?.options().set_text(option, value)
    })
}

/// # Safety
/// As for [`args::text_out`].
unsafe fn get(
    server: wsaddin_server,
    option: Opt,
    (buffer, capacity, needed): (*mut c_char, usize, *mut usize),
) -> wsaddin_result {
    guard(|| {
        // SAFETY: the same promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.options().text(option))
    })
}

/// A path, like `/health`, that load balancers may ask for: GET and HEAD get HTTP 200 and `{"status":"ok"}`, without a token
/// and without a line of the log above WSADDIN_LOG_DEBUG. Acts at once. Default empty: nothing is answered.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_health_path(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { set(server, Opt::HealthPath, value, size) }
}

/// Reads what wsaddin_server_set_health_path sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_health_path(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::HealthPath, (buffer, capacity, needed)) }
}

/// A folder whose files are served to GET and HEAD: `/` is its `index.html`. A page loaded from there may open `new
/// WebSocket` to where it came from, without another web server. Nothing outside the folder is served, nor a file whose
/// name, or a folder's on the way, begins with a dot, but for `/.well-known/`. No token is asked for. Acts at once. Default
/// empty: no pages.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_pages_folder(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { set(server, Opt::PagesFolder, value, size) }
}

/// Reads what wsaddin_server_set_pages_folder sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_pages_folder(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::PagesFolder, (buffer, capacity, needed)) }
}
