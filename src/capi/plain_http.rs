//! Plain HTTP on the server's port.

use super::args;
use super::guard::guard_of;
use super::handle::{SERVERS, wsaddin_server};
use super::result::wsaddin_result;
use crate::options::Opt;
use std::ffi::{c_char, c_void};

/// # Safety
/// As for [`args::text`].
unsafe fn set(server: wsaddin_server, option: Opt, value: *const c_void, size: usize) -> wsaddin_result {
    guard_of(server.id, || {
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
    guard_of(server.id, || {
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

/// A path, like `/control`, below which another program may use this server by plain HTTP, with `Authorization: Bearer` and
/// the ControlToken: `POST .../send?id=N` or `?name=NAME` and `POST .../broadcast[?group=G&except=N&skip_full=1]` send the
/// body, `GET .../connections[?id=N]`, `.../names[?prefix=P]`, `.../statistics` and `.../metrics` tell, `POST
/// .../disconnect?id=N` or `?name=NAME` closes. Answers are JSON, metrics a text for Prometheus. Running a server fails while
/// this is set and the token is empty. Acts at once. Default empty: nobody may.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_control_path(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { set(server, Opt::ControlPath, value, size) }
}

/// Reads what wsaddin_server_set_control_path sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_control_path(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::ControlPath, (buffer, capacity, needed)) }
}

/// What a request below ControlPath must carry, or it gets HTTP 401. Compared in constant time and shown as `***`
/// everywhere. Acts at once. Default empty: nobody may.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_control_token(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { set(server, Opt::ControlToken, value, size) }
}

/// Reads what wsaddin_server_set_control_token sets, as `***`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_control_token(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise.
    unsafe { get(server, Opt::ControlToken, (buffer, capacity, needed)) }
}

/// The server's figures as a text that Prometheus reads (format 0.0.4), for a program that has its own place to show them;
/// the names begin with `websocket_`. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_metrics(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.metrics()?)
    })
}
