//! Servers.

use super::args::{self, clamp};
use super::guard::{guard, guard_answer, guard_of};
use super::handle::{SERVERS, wsaddin_server};
use super::message::{message_out, wsaddin_message};
use super::result::{Done, wsaddin_result};
use crate::engine::Wait;
use crate::error::{Code, Id};
use crate::library::later;
use crate::server::{Selection, Server};
use crate::ws::{MessageCow, MessageKind};
use std::ffi::c_void;

/// Makes a server. The first object of the process starts the I/O thread.
///
/// @param server  its handle; free it with wsaddin_server_free
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_new(server: *mut wsaddin_server) -> wsaddin_result {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("server", server, wsaddin_server { id: 0 }) }?;
        out.set(wsaddin_server { id: SERVERS.insert(Server::new()?)? });
        Ok(())
    })
}

/// Ends and frees a server: wakes every call that is blocked on it (they return WSADDIN_CANCELLED), waits until they
/// have left, stops as wsaddin_server_stop does. Blocks at most CloseTimeout and 100 ms. Afterwards the handle is bad for
/// ever, its handler runs no more, and after the last object no thread of the library is left.
///
/// @retval WSADDIN_BAD_HANDLE      freed already, for instance by another thread meanwhile
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; the server lives on
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_free(server: wsaddin_server) -> wsaddin_result {
    guard(|| {
        // The handle goes last: where this fails inside a handler it has to stay good, for other threads too.
        let ended = SERVERS.get(server.id)?.shut_down();
        match ended {
            Ok(()) => SERVERS.remove(server.id).map(drop),
            // Another thread is freeing it and will take the handle away.
            Err(error) if error.code() == Code::Cancelled => Err(Id::BadHandle.into()),
            Err(error) => Err(error),
        }
    })
}

/// Lets go of a server without waiting, from anywhere, inside handlers and destructors too: the handle is bad from then
/// on, calls that are blocked on it return WSADDIN_CANCELLED, and it is closed as wsaddin_server_free does in the
/// background. No run of its handler begins after this has returned; one that is under way, this very one or one on
/// another I/O thread, ends as ever, so what it uses must stay until then: see wsaddin_server_set_owned_handler.
/// While the background is busy the library's threads run on, after the last free, too. It may be unloaded all the
/// same: the unloading ends what is left at once, and waits for that.
///
/// @retval WSADDIN_BAD_HANDLE  freed or released already
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_release(server: wsaddin_server) -> wsaddin_result {
    guard(|| {
        // Who closes the object takes its handle away; another is freeing or releasing it just now.
        SERVERS.get(server.id)?.release().map_err(|_| Id::BadHandle)?;
        let (object, place) = SERVERS.withdraw(server.id)?;
        later(move || {
            if let Some(place) = place {
                place.empty();
            }
            object.finish_end();
        });
        Ok(())
    })
}

/// Listens and accepts connections in the background. Blocks only while another thread's stop is not finished.
///
/// @param interface_name  an IPv4 or IPv6 address of this machine (fe80::1%eth0 where it is link-local), "localhost", or
///                        empty or "*" for all; on Linux also a Unix socket, unix:/run/app.sock; UTF-8
/// @param size            its bytes
/// @param port            0 to 65535; 0 picks a free one, which wsaddin_server_get_port tells; of no
///                        importance to a Unix socket
/// @retval WSADDIN_ALREADY_RUNNING  it goes on as it was
/// @retval WSADDIN_ADDRESS          the port or Unix socket is in use, or the address is not this machine's
/// @retval WSADDIN_UNSUPPORTED      a Unix socket on Windows
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_run(
    server: wsaddin_server,
    interface_name: *const c_void,
    size: usize,
    port: i64,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let interface = unsafe { args::text("interface_name", interface_name, size) }?;
        SERVERS.get(server.id)?.run(interface, port)
    })
}

/// Closes every connection with 1001 and frees the port. Blocks at most CloseTimeout. What was received stays queued.
/// Not running is no error.
///
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_server_stop(server: wsaddin_server) -> wsaddin_result {
    guard_of(server.id, || SERVERS.get(server.id)?.stop())
}

/// False of the core means that the connection has gone.
fn gone(found: bool) -> Done {
    if found { Done::Ok } else { Done::Closed }
}

/// Queues one text message for a connection; the I/O thread sends it. Does not wait for room unless SendTimeout is set
/// so. OK means queued, not delivered.
///
/// @param connection  its number, as an event told it
/// @param text        UTF-8, `size` bytes, copied; it may hold NUL characters and be empty
/// @retval WSADDIN_CLOSED        that connection has gone
/// @retval WSADDIN_BAD_ARGUMENT  there never was such a connection
/// @retval WSADDIN_QUEUE_FULL    no room; nothing was queued
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_send_text(
    server: wsaddin_server,
    connection: u64,
    text: *const c_void,
    size: usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise, for both.
    unsafe {
        guard_answer((server.id, connection), MessageKind::Text, (text, size), || {
            let server = SERVERS.get(server.id)?;
            server.send(connection, MessageCow::text(args::text("text", text, size)?)?).map(gone)
        })
    }
}

/// Queues one binary message for a connection, as wsaddin_server_send_text does a text.
///
/// @param data  `size` bytes, copied
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_send_binary(
    server: wsaddin_server,
    connection: u64,
    data: *const c_void,
    size: usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise, for both.
    unsafe {
        guard_answer((server.id, connection), MessageKind::Binary, (data, size), || {
            let server = SERVERS.get(server.id)?;
            server.send(connection, MessageCow::binary(args::bytes("data", data, size)?)?).map(gone)
        })
    }
}

/// Queues one text message for every connection and for every absent session that may come back. Never blocks: a
/// connection whose queue is full is closed with 1013, an absent session whose queue is full goes without; neither is
/// counted.
///
/// @param text   UTF-8, `size` bytes, copied once for all
/// @param count  how many it was queued for
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_broadcast_text(
    server: wsaddin_server,
    text: *const c_void,
    size: usize,
    count: *mut i64,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("count", count, 0) }?;
        let server = SERVERS.get(server.id)?;
        // SAFETY: the caller's promise.
        out.set(clamp(server.broadcast(unsafe { args::text_message("text", text, size) }?, &Selection::default())?));
        Ok(())
    })
}

/// Queues one binary message for every connection, as wsaddin_server_broadcast_text does a text.
///
/// @param data   `size` bytes, copied once for all
/// @param count  how many connections it was queued for
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_broadcast_binary(
    server: wsaddin_server,
    data: *const c_void,
    size: usize,
    count: *mut i64,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("count", count, 0) }?;
        let server = SERVERS.get(server.id)?;
        // SAFETY: the caller's promise.
        out.set(clamp(server.broadcast(unsafe { args::binary_message("data", data, size) }?, &Selection::default())?));
        Ok(())
    })
}

/// Takes the next message of any connection and discards the other events before it; wsaddin_message_connection says
/// whose it is. Blocks until there is one, at most `timeout_ms`; when none comes, the other events that wait are
/// discarded, too, so that wsaddin_wait_any does not tell of them. Any number of threads may wait; each message goes to
/// one of them.
///
/// @param timeout_ms  milliseconds; WSADDIN_WAIT_FOREVER, WSADDIN_NO_WAIT
/// @param message     yours; free it with wsaddin_message_free
/// @retval WSADDIN_TIMEOUT      none within that time
/// @retval WSADDIN_CLOSED       not running (any more), and nothing is queued
/// @retval WSADDIN_HANDLER_SET  a handler gets the events
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_receive(
    server: wsaddin_server,
    timeout_ms: i64,
    message: *mut *mut wsaddin_message,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { message_out("message", message) }?;
        let outcome = SERVERS.get(server.id)?.receive(Wait::from_ms(timeout_ms))?;
        Ok(out.set_outcome(outcome, |out, (connection, message)| out.set_message(connection, message)))
    })
}

/// Takes the next event of any kind; wsaddin_message_event says which. Otherwise as wsaddin_server_receive.
///
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_receive_event(
    server: wsaddin_server,
    timeout_ms: i64,
    message: *mut *mut wsaddin_message,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { message_out("message", message) }?;
        let outcome = SERVERS.get(server.id)?.receive_event(Wait::from_ms(timeout_ms))?;
        Ok(out.set_outcome(outcome, |out, event| out.set_event(event)))
    })
}

/// Starts to close a connection and returns at once. What it had sent is still handed over.
///
/// @param code    1000 to 1003, 1007 to 1014 or 3000 to 4999; 1000 is the ordinary one
/// @param reason  UTF-8, at most 123 bytes
/// @retval WSADDIN_CLOSED        that connection has gone already
/// @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or a code or reason that is not allowed; nothing
///                               happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_disconnect(
    server: wsaddin_server,
    connection: u64,
    code: u16,
    reason: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let reason = unsafe { args::text("reason", reason, size) }?;
        SERVERS.get(server.id)?.disconnect(connection, code, reason).map(gone)
    })
}

/// Sends a ping to a connection and blocks until its pong, at most `timeout_ms` (WSADDIN_WAIT_FOREVER: without limit).
///
/// @param round_trip_ms  milliseconds
/// @retval WSADDIN_PING_TIMEOUT   no pong within that time
/// @retval WSADDIN_NOT_CONNECTED  that connection has gone
/// @retval WSADDIN_BAD_ARGUMENT   there never was such a connection
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_ping(
    server: wsaddin_server,
    connection: u64,
    timeout_ms: i64,
    round_trip_ms: *mut i64,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("round_trip_ms", round_trip_ms, 0) }?;
        out.set(SERVERS.get(server.id)?.ping(connection, Wait::from_ms(timeout_ms))?);
        Ok(())
    })
}
