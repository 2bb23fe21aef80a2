//! Clients.

use super::args;
use super::guard::{guard, guard_answer, guard_of};
use super::handle::{CLIENTS, wsaddin_client};
use super::message::{message_out, wsaddin_message};
use super::result::wsaddin_result;
use crate::client::Client;
use crate::engine::Wait;
use crate::error::{Code, Id};
use crate::library::later;
use crate::ws::{MessageCow, MessageKind};
use std::ffi::c_void;

/// Makes a client. The first object of the process starts the I/O thread.
///
/// @param client  its handle; free it with wsaddin_client_free
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_new(client: *mut wsaddin_client) -> wsaddin_result {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("client", client, wsaddin_client { id: 0 }) }?;
        out.set(wsaddin_client { id: CLIENTS.insert(Client::new()?)? });
        Ok(())
    })
}

/// Ends and frees a client: wakes every call that is blocked on it (they return WSADDIN_CANCELLED), waits until they
/// have left, closes the connection with 1001 within CloseTimeout. Blocks at most that long and 100 ms. Afterwards the
/// handle is bad for ever, its handler runs no more, and after the last object no thread of the library is left.
///
/// @retval WSADDIN_BAD_HANDLE      freed already, for instance by another thread meanwhile
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; the client lives on
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_free(client: wsaddin_client) -> wsaddin_result {
    guard(|| {
        // The handle goes last: where this fails inside a handler it has to stay good, for other threads too.
        let ended = CLIENTS.get(client.id)?.shut_down();
        match ended {
            Ok(()) => CLIENTS.remove(client.id).map(drop),
            // Another thread is freeing it and will take the handle away.
            Err(error) if error.code() == Code::Cancelled => Err(Id::BadHandle.into()),
            Err(error) => Err(error),
        }
    })
}

/// Lets go of a client without waiting, from anywhere, inside handlers and destructors too: the handle is bad from then
/// on, calls that are blocked on it return WSADDIN_CANCELLED, and it is closed as wsaddin_client_free does in the
/// background. No run of its handler begins after this has returned; one that is under way, this very one or one on
/// another I/O thread, ends as ever, so what it uses must stay until then: see wsaddin_client_set_owned_handler.
/// While the background is busy the library's threads run on, after the last free, too. It may be unloaded all the
/// same: the unloading ends what is left at once, and waits for that.
///
/// @retval WSADDIN_BAD_HANDLE  freed or released already
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_release(client: wsaddin_client) -> wsaddin_result {
    guard(|| {
        // Who closes the object takes its handle away; another is freeing or releasing it just now.
        CLIENTS.get(client.id)?.release().map_err(|_| Id::BadHandle)?;
        let (object, place) = CLIENTS.withdraw(client.id)?;
        later(move || {
            if let Some(place) = place {
                place.empty();
            }
            object.finish_end();
        });
        Ok(())
    })
}

/// Connects and shakes hands. Blocks until that has succeeded or failed, at most ConnectTimeout in all; another thread
/// may end it with disconnect or free (WSADDIN_CANCELLED). Clears the receive queue, the close code and its reason. It is
/// tried once, whatever the reconnect interval, and its failure is no event: the caller has it already.
///
/// @param url   ws:// or wss://, UTF-8, `size` bytes; a link-local IPv6 address with its interface by name or number, as in
///              ws://[fe80::1%25eth0]/ (RFC 6874); on Linux also ws+unix:///run/app.sock:/path for a Unix socket
/// @retval WSADDIN_ALREADY_CONNECTED  it is connected; nothing happened
/// @retval WSADDIN_CONNECTING         it is connecting, closing or reconnecting; nothing happened
/// @retval WSADDIN_CONNECT_TIMEOUT, WSADDIN_RESOLVE, WSADDIN_REFUSED, WSADDIN_TLS, WSADDIN_CERTIFICATE,
///         WSADDIN_HANDSHAKE, WSADDIN_IO  it failed, and the text says why
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_connect(
    client: wsaddin_client,
    url: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let url = unsafe { args::text("url", url, size) }?;
        CLIENTS.get(client.id)?.connect(url)
    })
}

/// The same as wsaddin_client_connect without waiting: the outcome is an event, WSADDIN_EVENT_OPEN or
/// WSADDIN_EVENT_ERROR. With a reconnect interval it is tried until it works, each failure an event; from the first one
/// on it counts as reconnecting. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_begin_connect(
    client: wsaddin_client,
    url: *const c_void,
    size: usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let url = unsafe { args::text("url", url, size) }?;
        CLIENTS.get(client.id)?.begin_connect(url)
    })
}

/// Sends what is queued and closes with the closing handshake. Blocks at most CloseTimeout. Receives that are blocked
/// end at once; a connect under way is cancelled. While it reconnects: stops that at once and drops what is queued. Not
/// connected is no error: `clean` is 0 then.
///
/// @param code    1000 to 1003, 1007 to 1014 or 3000 to 4999; 1000 is the ordinary one
/// @param reason  UTF-8, at most 123 bytes
/// @param clean   1 when everything was written and the other side confirmed the close
/// @retval WSADDIN_BAD_ARGUMENT  a code or reason that is not allowed; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_disconnect(
    client: wsaddin_client,
    code: u16,
    reason: *const c_void,
    size: usize,
    clean: *mut i32,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("clean", clean, 0) }?;
        // SAFETY: the caller's promise.
        let reason = unsafe { args::text("reason", reason, size) }?;
        out.set(CLIENTS.get(client.id)?.disconnect(code, reason)?.into());
        Ok(())
    })
}

/// Ends the connection at once, without a closing handshake: WSADDIN_EVENT_CLOSE with 1006 follows. What is queued is
/// dropped. A connect under way is cancelled, and it does not reconnect. Not connected is no error. Blocks as long as the
/// I/O thread takes to see it; inside a handler it only starts the end.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn wsaddin_client_abort(client: wsaddin_client) -> wsaddin_result {
    guard_of(client.id, || CLIENTS.get(client.id)?.abort())
}

/// Queues one text message; the I/O thread sends it. Never blocks while there is room, otherwise at most SendTimeout.
/// OK means queued, not delivered. While it reconnects it queues in the same way. What the system had not taken whole when
/// a connection was lost is sent on the next one, in order; what it had taken may have been lost, and is not sent again.
///
/// @param text  UTF-8, `size` bytes, copied; it may hold NUL characters and be empty
/// @retval WSADDIN_NOT_CONNECTED  there is no connection
/// @retval WSADDIN_QUEUE_FULL     no room within SendTimeout; nothing was queued
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_send_text(
    client: wsaddin_client,
    text: *const c_void,
    size: usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise, for both.
    unsafe {
        guard_answer((client.id, 0), MessageKind::Text, (text, size), || {
            let client = CLIENTS.get(client.id)?;
            client.send(MessageCow::text(args::text("text", text, size)?)?)
        })
    }
}

/// Queues one binary message, as wsaddin_client_send_text does a text.
///
/// @param data  `size` bytes, copied
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_send_binary(
    client: wsaddin_client,
    data: *const c_void,
    size: usize,
) -> wsaddin_result {
    // SAFETY: the caller's promise, for both.
    unsafe {
        guard_answer((client.id, 0), MessageKind::Binary, (data, size), || {
            let client = CLIENTS.get(client.id)?;
            client.send(MessageCow::binary(args::bytes("data", data, size)?)?)
        })
    }
}

/// Takes the next message and discards the other events before it. Blocks until there is one, at most `timeout_ms`; when
/// none comes, the other events that wait are discarded, too, so that wsaddin_wait_any does not tell of them. Any number
/// of threads may wait; each message goes to one of them.
///
/// @param timeout_ms  milliseconds; WSADDIN_WAIT_FOREVER, WSADDIN_NO_WAIT
/// @param message     yours; free it with wsaddin_message_free
/// @retval WSADDIN_TIMEOUT      none within that time
/// @retval WSADDIN_CLOSED       not connected (any more), and nothing is queued
/// @retval WSADDIN_HANDLER_SET  a handler gets the events
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_receive(
    client: wsaddin_client,
    timeout_ms: i64,
    message: *mut *mut wsaddin_message,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { message_out("message", message) }?;
        let outcome = CLIENTS.get(client.id)?.receive(Wait::from_ms(timeout_ms))?;
        Ok(out.set_outcome(outcome, |out, message| out.set_message(0, message)))
    })
}

/// Takes the next event of any kind; wsaddin_message_event says which. Otherwise as wsaddin_client_receive.
///
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_receive_event(
    client: wsaddin_client,
    timeout_ms: i64,
    message: *mut *mut wsaddin_message,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { message_out("message", message) }?;
        let outcome = CLIENTS.get(client.id)?.receive_event(Wait::from_ms(timeout_ms))?;
        Ok(out.set_outcome(outcome, |out, event| out.set_event(event)))
    })
}

/// Sends a ping and blocks until its pong, at most `timeout_ms` (WSADDIN_WAIT_FOREVER: without limit).
///
/// @param round_trip_ms  milliseconds
/// @retval WSADDIN_NOT_CONNECTED  also while it reconnects
/// @retval WSADDIN_PING_TIMEOUT  no pong within that time
/// @retval WSADDIN_QUEUE_FULL    the receive queue is full, now or while it waits, so that no pong could be read
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_ping(
    client: wsaddin_client,
    timeout_ms: i64,
    round_trip_ms: *mut i64,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("round_trip_ms", round_trip_ms, 0) }?;
        out.set(CLIENTS.get(client.id)?.ping(Wait::from_ms(timeout_ms))?);
        Ok(())
    })
}

/// Sends a JSON object and blocks until the message that answers it, at most `timeout_ms`: the one whose `reply_field`
/// equals the request's `id_field`. A request without that field gets a unique one, put in front of the others; all else
/// leaves byte for byte. All other messages stay queued in order; what has come before the answer is not received before
/// it is known to be none. An answer that comes too late is an ordinary message: receive, or the handler, gets it.
/// Values are equal as JSON has them: numbers by their exact value (1, 1.0, 1e0; of any length), strings by their
/// characters, escaped or not; a string is no number. In an answer, text or binary, only that field is looked at: where it
/// comes twice the last one counts, and nothing else in it makes it no answer, as long as its brackets and quotes close.
/// The look is taken on this thread and needs no memory, however large a message is.
///
/// @param text         the JSON object, UTF-8; well-formed (RFC 8259), its id no object or array
/// @param timeout_ms   milliseconds; WSADDIN_WAIT_FOREVER
/// @param id_field     the name of the field that identifies the request; "id" is usual
/// @param reply_field  the name of the field in the answer; empty: the same as `id_field`
/// @param reply        the answer, yours; free it with wsaddin_message_free
/// @retval WSADDIN_NOT_CONNECTED    also while it reconnects, and when the connection ends meanwhile
/// @retval WSADDIN_REQUEST_TIMEOUT  no answer within that time
/// @retval WSADDIN_BAD_ARGUMENT     `text` is no such object; the error's text says where
/// @retval WSADDIN_QUEUE_FULL       the receive queue is full, now or while it waits, so that no answer could be read; or
///                                  no room in the send queue within SendTimeout or `timeout_ms`
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_request(
    client: wsaddin_client,
    text: *const c_void,
    size: usize,
    timeout_ms: i64,
    id_field: *const c_void,
    id_field_size: usize,
    reply_field: *const c_void,
    reply_field_size: usize,
    reply: *mut *mut wsaddin_message,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise, for all four.
        let (out, text, id_field, reply_field) = unsafe {
            (
                message_out("reply", reply)?,
                args::text("text", text, size)?,
                args::text("id_field", id_field, id_field_size)?,
                args::text("reply_field", reply_field, reply_field_size)?,
            )
        };
        let client = CLIENTS.get(client.id)?;
        out.set_message(0, client.request(text, Wait::from_ms(timeout_ms), id_field, reply_field)?);
        Ok(())
    })
}

/// Sets a header of the handshake, from the next connect or reconnection on. Never blocks.
///
/// @param value  empty: the header is removed
/// @retval WSADDIN_BAD_ARGUMENT  a name or value that is not allowed, or a header of the handshake itself
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_set_header(
    client: wsaddin_client,
    name: *const c_void,
    name_size: usize,
    value: *const c_void,
    value_size: usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise, for both.
        let (name, value) = unsafe { (args::text("name", name, name_size)?, args::text("value", value, value_size)?) };
        CLIENTS.get(client.id)?.set_header(name, value)
    })
}
