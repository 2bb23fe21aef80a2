//! Names, their sessions and groups.

use super::args::{self, clamp};
use super::guard::guard_of;
use super::handle::{SERVERS, wsaddin_server};
use super::result::{Done, wsaddin_result};
use crate::error::Result;
use crate::options::Opt;
use crate::server::Selection;
use crate::ws::Message;
use std::ffi::{c_char, c_void};

/// False of the core means that there is no such connection, or none of that name.
fn found(found: bool, otherwise: Done) -> Done {
    if found { Done::Ok } else { otherwise }
}

/// Names a connection. Who had the name before is taken over: it gets a close (4001), and its groups and unsent
/// messages go to this one. In a name like `id:1::group_id:2` the part group_id joins that group. Never blocks.
///
/// @param connection  its number
/// @param name        UTF-8, `size` bytes, at most 1024 and no control characters, copied; empty takes the name away
/// @retval WSADDIN_CLOSED        that connection has gone
/// @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or it is not a name
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_name(
    server: wsaddin_server,
    connection: u64,
    name: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let name = unsafe { args::text("name", name, size) }?;
        Ok(found(SERVERS.get(server.id)?.set_name(connection, name)?, Done::Closed))
    })
}

/// Queues one text message for the connection of that name; if it is away, for when it comes back within ResumeTimeout.
/// Does not wait for room unless SendTimeout is set so. OK means queued, not delivered.
///
/// @param name       UTF-8, `name_size` bytes
/// @param text       UTF-8, `size` bytes, copied; it may hold NUL characters and be empty
/// @retval WSADDIN_NOT_FOUND   no connection of that name is there or expected back
/// @retval WSADDIN_QUEUE_FULL  no room; nothing was queued
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_send_to_name_text(
    server: wsaddin_server,
    name: *const c_void,
    name_size: usize,
    text: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let name = unsafe { args::text("name", name, name_size) }?;
        // SAFETY: the caller's promise.
        let message = unsafe { args::text_message("text", text, size) }?;
        send_to_name(server, name, &message)
    })
}

/// Queues one binary message for a name, as wsaddin_server_send_to_name_text does a text.
///
/// @param name       UTF-8, `name_size` bytes
/// @param data       `size` bytes, copied
/// @retval WSADDIN_NOT_FOUND   no connection of that name is there or expected back
/// @retval WSADDIN_QUEUE_FULL  no room; nothing was queued
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_send_to_name_binary(
    server: wsaddin_server,
    name: *const c_void,
    name_size: usize,
    data: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let name = unsafe { args::text("name", name, name_size) }?;
        // SAFETY: the caller's promise.
        let message = unsafe { args::binary_message("data", data, size) }?;
        send_to_name(server, name, &message)
    })
}

fn send_to_name(server: wsaddin_server, name: &str, message: &Message) -> Result<Done> {
    Ok(found(SERVERS.get(server.id)?.send_to_name(name, message)?, Done::NotFound))
}

/// Adds a connection to a group; it stays there until it leaves or its session ends. Never blocks.
///
/// @param connection  its number
/// @param group       UTF-8, `size` bytes, 1 to 1024 and no control characters, copied
/// @retval WSADDIN_CLOSED        that connection has gone
/// @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or it is no name of a group
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_join_group(
    server: wsaddin_server,
    connection: u64,
    group: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let group = unsafe { args::text("group", group, size) }?;
        Ok(found(SERVERS.get(server.id)?.join_group(connection, group)?, Done::Closed))
    })
}

/// Takes a connection out of a group; that it was not in it is no error. Never blocks.
///
/// @param connection  its number
/// @param group       UTF-8, `size` bytes, 1 to 1024 and no control characters
/// @retval WSADDIN_CLOSED        that connection has gone
/// @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or it is no name of a group
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_leave_group(
    server: wsaddin_server,
    connection: u64,
    group: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let group = unsafe { args::text("group", group, size) }?;
        Ok(found(SERVERS.get(server.id)?.leave_group(connection, group)?, Done::Closed))
    })
}

/// Queues one text message for the members of a group, absent ones included, as wsaddin_server_broadcast_text does for
/// everybody.
///
/// @param group  UTF-8, `group_size` bytes; empty: everybody
/// @param text   UTF-8, `size` bytes, copied once for all
/// @param count  how many it was queued for; 0 when the group is empty
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_broadcast_group_text(
    server: wsaddin_server,
    group: *const c_void,
    group_size: usize,
    text: *const c_void,
    size: usize,
    count: *mut i64,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("count", count, 0) }?;
        // SAFETY: the caller's promise.
        let group = unsafe { args::text("group", group, group_size) }?;
        // SAFETY: the caller's promise.
        let message = unsafe { args::text_message("text", text, size) }?;
        out.set(clamp(SERVERS.get(server.id)?.broadcast(message, &Selection { group, ..Selection::default() })?));
        Ok(())
    })
}

/// Queues one binary message for the members of a group, as wsaddin_server_broadcast_group_text does a text.
///
/// @param group  UTF-8, `group_size` bytes; empty: everybody
/// @param data   `size` bytes, copied once for all
/// @param count  how many it was queued for; 0 when the group is empty
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_broadcast_group_binary(
    server: wsaddin_server,
    group: *const c_void,
    group_size: usize,
    data: *const c_void,
    size: usize,
    count: *mut i64,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("count", count, 0) }?;
        // SAFETY: the caller's promise.
        let group = unsafe { args::text("group", group, group_size) }?;
        // SAFETY: the caller's promise.
        let message = unsafe { args::binary_message("data", data, size) }?;
        out.set(clamp(SERVERS.get(server.id)?.broadcast(message, &Selection { group, ..Selection::default() })?));
        Ok(())
    })
}

/// The parameter of a request's query, or else the header, whose value names a connection, e.g. `X-StatefulSocketId`; a
/// name over 1024 bytes or with control characters gets HTTP 400. Empty (the default): no request names one. For
/// connections that come later.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_name_parameter(
    server: wsaddin_server,
    value: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let value = unsafe { args::text("value", value, size) }?;
        SERVERS.get(server.id)?.options().set_text(Opt::NameParameter, value)
    })
}

/// Reads what wsaddin_server_set_name_parameter sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_name_parameter(
    server: wsaddin_server,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        out.set(&SERVERS.get(server.id)?.options().text(Opt::NameParameter))
    })
}

/// Milliseconds that the session of a named connection waits for it after it has broken; 0: it does not. What is sent
/// to the name meanwhile waits, within SendQueueBytes; a session that ends with messages waiting gives a
/// WSADDIN_EVENT_EXPIRED. No more of them wait than MaxConnections: the one that would end first makes room. For
/// connections that break later. Default 60000.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_set_resume_timeout(server: wsaddin_server, value: i64) -> wsaddin_result {
    guard_of(server.id, || SERVERS.get(server.id)?.options().set_int(Opt::ResumeTimeout, value))
}

/// Reads what wsaddin_server_set_resume_timeout sets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_get_resume_timeout(
    server: wsaddin_server,
    value: *mut i64,
) -> wsaddin_result {
    guard_of(server.id, || -> Result<()> {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("value", value, 0) }?;
        out.set(SERVERS.get(server.id)?.options().int(Opt::ResumeTimeout));
        Ok(())
    })
}
