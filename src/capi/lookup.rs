//! Who has a name, the end of a session, and broadcasts with a choice.

use super::args::{self, clamp};
use super::guard::guard_of;
use super::handle::{SERVERS, wsaddin_server};
use super::message::{WSADDIN_KIND_BINARY, WSADDIN_KIND_TEXT, wsaddin_kind};
use super::result::{Done, wsaddin_result};
use crate::error::{Error, Id, Result};
use crate::server::Selection;
use std::ffi::{c_char, c_void};

/// What a sending function does besides; several are added up.
pub type wsaddin_flags = u32;
/// Broadcasts: a connection whose send queue is full goes without, instead of being closed with 1013.
pub const WSADDIN_SKIP_FULL: wsaddin_flags = 2;

/// Queues one message for all, or for the members of a group, absent ones included, but not for one connection. Never
/// blocks. A connection whose queue is full is closed with 1013, or with WSADDIN_SKIP_FULL goes without; an absent
/// session whose queue is full goes without; none of them is counted.
///
/// @param kind    WSADDIN_KIND_...
/// @param data    `size` bytes, copied once for all; a text is UTF-8
/// @param group   UTF-8, `group_size` bytes; empty: everybody
/// @param except  a connection that does not get it, as the one that it came from; 0: none
/// @param flags   0 or WSADDIN_SKIP_FULL
/// @param count   how many it was queued for
/// @retval WSADDIN_BAD_ARGUMENT  there never was a connection `except`, or a kind or flag that is unknown
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_broadcast(
    server: wsaddin_server,
    kind: wsaddin_kind,
    data: *const c_void,
    size: usize,
    group: *const c_void,
    group_size: usize,
    except: u64,
    flags: wsaddin_flags,
    count: *mut i64,
) -> wsaddin_result {
    guard_of(server.id, || -> Result<()> {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("count", count, 0) }?;
        // SAFETY: the caller's promise.
        let group = unsafe { args::text("group", group, group_size) }?;
        let message = match kind {
            // SAFETY: the caller's promise.
            WSADDIN_KIND_TEXT => unsafe { args::text_message("data", data, size) }?,
            // SAFETY: the caller's promise.
            WSADDIN_KIND_BINARY => unsafe { args::binary_message("data", data, size) }?,
            _ => return Err(refused("kind", kind.into(), "WSADDIN_KIND_TEXT, WSADDIN_KIND_BINARY")),
        };
        if flags & !WSADDIN_SKIP_FULL != 0 {
            return Err(refused("flags", flags.into(), "0, WSADDIN_SKIP_FULL"));
        }
        let selection = Selection { group, except, skip_full: flags & WSADDIN_SKIP_FULL != 0 };
        out.set(clamp(SERVERS.get(server.id)?.broadcast(message, &selection)?));
        Ok(())
    })
}

fn refused(name: &'static str, value: i64, expected: &'static str) -> Error {
    Error::new(Id::BadValue, [name.into(), value.into(), expected.into()])
}

/// A name as JSON: name, state ("open"; "moving" while what its previous connection has not sent is on its way to it;
/// "waiting" while it is away and may come back), server (address and port listened on), id (its connection's number,
/// null when away), since and until (ISO 8601, UTC; until is null but for "waiting"), queued and queued_bytes (what
/// waits to be sent to it), groups. Never blocks.
///
/// @param name  UTF-8, `size` bytes
/// @retval WSADDIN_NOT_FOUND  no connection of that name is there or expected back
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_name_info(
    server: wsaddin_server,
    name: *const c_void,
    size: usize,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        // SAFETY: the caller's promise.
        let name = unsafe { args::text("name", name, size) }?;
        match SERVERS.get(server.id)?.name_info(name)? {
            Some(json) => out.set(&json).map(Done::from),
            None => Ok(Done::NotFound),
        }
    })
}

/// All names that begin with a prefix as a JSON array of what wsaddin_server_name_info tells, by name, without groups.
/// Never blocks.
///
/// @param prefix  UTF-8, `size` bytes; empty: all names
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_name_list(
    server: wsaddin_server,
    prefix: *const c_void,
    size: usize,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::text_out(buffer, capacity, needed) }?;
        // SAFETY: the caller's promise.
        let prefix = unsafe { args::text("prefix", prefix, size) }?;
        out.set(&SERVERS.get(server.id)?.name_list(prefix)?)
    })
}

/// Starts to close the connection of that name, as wsaddin_server_disconnect does, and ends its session; one that is away
/// ends, too, with a WSADDIN_EVENT_EXPIRED if messages wait.
///
/// @param name    UTF-8, `name_size` bytes
/// @param code    1000 to 1003, 1007 to 1014 or 3000 to 4999; 1000 is the ordinary one
/// @param reason  UTF-8, at most 123 bytes
/// @retval WSADDIN_NOT_FOUND     no connection of that name is there or expected back
/// @retval WSADDIN_BAD_ARGUMENT  a name, code or reason that is not allowed; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_disconnect_name(
    server: wsaddin_server,
    name: *const c_void,
    name_size: usize,
    code: u16,
    reason: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let name = unsafe { args::text("name", name, name_size) }?;
        // SAFETY: the caller's promise.
        let reason = unsafe { args::text("reason", reason, size) }?;
        let found = SERVERS.get(server.id)?.disconnect_name(name, code, reason)?;
        Ok(if found { Done::Ok } else { Done::NotFound })
    })
}
