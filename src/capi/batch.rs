//! Many messages in one call.

use super::args::{self, Out};
use super::guard::{guard_of, guard_read};
use super::handle::{CLIENTS, SERVERS, wsaddin_client, wsaddin_server};
use super::message::{WSADDIN_KIND_BINARY, WSADDIN_KIND_TEXT, wsaddin_kind, wsaddin_message};
use super::result::{Done, wsaddin_result};
use crate::engine::{Event, Outcome, Outgoing, Sent, Stopped, Wait, Want, answer, on_io_thread};
use crate::error::{Error, Id, Result, memory};
use crate::library::is_forked;
use crate::ws::{MessageCow, MessageKind};
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// Received messages, in order. It is yours: any thread may read it, and wsaddin_batch_free frees it and all that is in
/// it, once, at any time before the library is unloaded.
pub struct wsaddin_batch {
    messages: Vec<wsaddin_message>,
}

/// A message to be sent, one of many.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsaddin_outgoing {
    /// The server's connection that it is for; a client's messages have 0.
    pub connection: u64,
    /// WSADDIN_KIND_TEXT or WSADDIN_KIND_BINARY.
    pub kind: wsaddin_kind,
    /// `size` bytes, copied; a text is UTF-8. NULL only with size 0.
    pub data: *const c_void,
    pub size: usize,
}

/// # Safety
/// `place` is NULL or writable for the whole call.
unsafe fn batch_out(place: *mut *mut wsaddin_batch) -> Result<Out<*mut wsaddin_batch>> {
    // SAFETY: the same promise.
    unsafe { args::out("batch", place, null_mut()) }
}

/// Receives by `receive`, which is given what finds places for so many, and sets the batch.
fn receive(
    out: Out<*mut wsaddin_batch>,
    receive: impl FnOnce(&mut dyn FnMut(usize) -> Result<()>) -> Result<Outcome<Vec<Event>>>,
) -> Result<Done> {
    let mut messages = Vec::new();
    let mut reserve = |count| {
        messages = memory::room_for(count)?;
        Ok(())
    };
    let events = match receive(&mut reserve)? {
        Outcome::Got(events) => events,
        Outcome::Timeout => return Ok(Done::Timeout),
        Outcome::Closed => return Ok(Done::Closed),
    };
    // Outside of the queue's lock: the text of an event is made here.
    messages.extend(events.into_iter().map(wsaddin_message::lent_event));
    out.set(Box::into_raw(Box::new(wsaddin_batch { messages })));
    Ok(Done::Ok)
}

/// Takes all messages that are queued, in order, up to 1024 of them and as many as begin within the first 4 MiB, and
/// discards the other events before and between them: wsaddin_client_receive_event_batch takes those, too. One call, one
/// lock and one wake-up for all of them. Blocks until there is a message, at most `timeout_ms`, as
/// wsaddin_client_receive does; does not wait for more than one.
///
/// @param timeout_ms  milliseconds; WSADDIN_WAIT_FOREVER, WSADDIN_NO_WAIT
/// @param batch       yours, with one message at least; free it with wsaddin_batch_free
/// @retval WSADDIN_TIMEOUT      none within that time
/// @retval WSADDIN_CLOSED       not connected (any more), and nothing is queued
/// @retval WSADDIN_HANDLER_SET  a handler gets the events
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_receive_batch(
    client: wsaddin_client,
    timeout_ms: i64,
    batch: *mut *mut wsaddin_batch,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { batch_out(batch) }?;
        let object = CLIENTS.get(client.id)?;
        receive(out, |reserve| object.receive_batch(Want::Message, Wait::from_ms(timeout_ms), reserve))
    })
}

/// Takes all events of any kind that are queued, in order; wsaddin_message_event says which each of them is. Otherwise as
/// wsaddin_client_receive_batch.
///
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_receive_event_batch(
    client: wsaddin_client,
    timeout_ms: i64,
    batch: *mut *mut wsaddin_batch,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { batch_out(batch) }?;
        let object = CLIENTS.get(client.id)?;
        receive(out, |reserve| object.receive_batch(Want::Any, Wait::from_ms(timeout_ms), reserve))
    })
}

/// Takes all messages that are queued, of all connections (wsaddin_message_connection says whose each is), in order, up
/// to 1024 of them and as many as begin within the first 4 MiB, and discards the other events before and between them:
/// wsaddin_server_receive_event_batch takes those, too. One call, one lock and one wake-up for all of them. Blocks until
/// there is a message, at most `timeout_ms`, as wsaddin_server_receive does; does not wait for more than one.
///
/// @param timeout_ms  milliseconds; WSADDIN_WAIT_FOREVER, WSADDIN_NO_WAIT
/// @param batch       yours, with one message at least; free it with wsaddin_batch_free
/// @retval WSADDIN_TIMEOUT      none within that time
/// @retval WSADDIN_CLOSED       not running (any more), and nothing is queued
/// @retval WSADDIN_HANDLER_SET  a handler gets the events
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_receive_batch(
    server: wsaddin_server,
    timeout_ms: i64,
    batch: *mut *mut wsaddin_batch,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { batch_out(batch) }?;
        let object = SERVERS.get(server.id)?;
        receive(out, |reserve| object.receive_batch(Want::Message, Wait::from_ms(timeout_ms), reserve))
    })
}

/// Takes all events of any kind that are queued, in order; wsaddin_message_event says which each of them is. Otherwise as
/// wsaddin_server_receive_batch.
///
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_receive_event_batch(
    server: wsaddin_server,
    timeout_ms: i64,
    batch: *mut *mut wsaddin_batch,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise.
        let out = unsafe { batch_out(batch) }?;
        let object = SERVERS.get(server.id)?;
        receive(out, |reserve| object.receive_batch(Want::Any, Wait::from_ms(timeout_ms), reserve))
    })
}

/// Reads a batch; `otherwise` for NULL.
///
/// # Safety
/// `batch` is NULL or a batch of ours that has not been freed.
unsafe fn field<T: Copy>(batch: *const wsaddin_batch, otherwise: T, read: impl FnOnce(&wsaddin_batch) -> T) -> T {
    guard_read(otherwise, || {
        // SAFETY: the same promise.
        unsafe { batch.as_ref() }.map_or(otherwise, read)
    })
}

/// How many messages there are, at least 1; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_batch_count(batch: *const wsaddin_batch) -> usize {
    // SAFETY: NULL or a batch of ours that has not been freed, by the caller's promise.
    unsafe { field(batch, 0, |batch| batch.messages.len()) }
}

/// One of them, borrowed until the batch is freed: wsaddin_message_keep makes one that stays, wsaddin_message_free does
/// nothing to it. NULL when there is none of that index.
///
/// @param index  from 0, less than wsaddin_batch_count
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_batch_at(batch: *const wsaddin_batch, index: usize) -> *const wsaddin_message {
    // SAFETY: NULL or a batch of ours that has not been freed, by the caller's promise.
    unsafe { field(batch, null(), |batch| batch.messages.get(index).map_or(null(), std::ptr::from_ref)) }
}

/// Frees a batch and its messages. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_batch_free(batch: *mut wsaddin_batch) {
    guard_read((), || {
        // As for a message: in a forked child the memory's pool may be locked for ever.
        if !batch.is_null() && !is_forked() {
            // SAFETY: it was made by `Box::into_raw`, and nobody reads it any more, by the caller's promise.
            drop(unsafe { Box::from_raw(batch) });
        }
    });
}

/// What is to be sent, checked; a text and its copy are made when the message's turn comes.
///
/// # Safety
/// Every `data` is NULL or readable for `size` bytes as long as the iterator is used.
unsafe fn outgoing(
    messages: &[wsaddin_outgoing],
    server: bool,
) -> impl Iterator<Item = Result<(u64, MessageKind, &[u8])>> {
    messages.iter().map(move |message| {
        if !server && message.connection != 0 {
            return Err(Error::new(Id::BadValue, ["connection".into(), message.connection.into(), "0".into()]));
        }
        Ok(match message.kind {
            WSADDIN_KIND_TEXT => {
                // SAFETY: the caller's promise.
                let text = unsafe { args::text("data", message.data, message.size) }?;
                (message.connection, MessageKind::Text, text.as_bytes())
            }
            WSADDIN_KIND_BINARY => {
                // SAFETY: the caller's promise.
                let data = unsafe { args::bytes("data", message.data, message.size) }?;
                (message.connection, MessageKind::Binary, data)
            }
            kind => return Err(Error::new(Id::BadValue, ["kind".into(), kind.into(), "0, 1".into()])),
        })
    })
}

fn prepared<'a>(message: Result<(u64, MessageKind, &'a [u8])>) -> Result<Outgoing<'a>> {
    let (connection, kind, data) = message?;
    Ok(Outgoing { connection, message: MessageCow::received(kind, data)? })
}

/// One by one, as inside a handler: answers to the connection whose message it has just got take the short way.
fn send_each<'a>(
    object: u64,
    messages: impl Iterator<Item = Result<(u64, MessageKind, &'a [u8])>>,
    mut send: impl FnMut(Outgoing<'a>) -> Sent,
) -> Sent {
    let mut total = 0;
    for message in messages {
        if message.as_ref().is_ok_and(|(connection, kind, data)| answer(object, *connection, *kind, || Some(*data))) {
            total += 1;
            continue;
        }
        match prepared(message) {
            Ok(outgoing) => {
                let sent = send(outgoing);
                total += sent.messages;
                if sent.stopped.is_some() {
                    return Sent { messages: total, ..sent };
                }
            }
            Err(error) => return Sent { messages: total, stopped: Some(Stopped::Failed(error)) },
        }
    }
    Sent { messages: total, stopped: None }
}

fn set_sent(queued: Out<usize>, sent: Sent) -> Result<Done> {
    queued.set(sent.messages);
    match sent.stopped {
        None => Ok(Done::Ok),
        Some(Stopped::Gone) => Ok(Done::Closed),
        Some(Stopped::Failed(error)) => Err(error),
    }
}

/// Queues many messages, in order, as wsaddin_client_send_text and wsaddin_client_send_binary do one: one call, one lock
/// and one wake-up for as many as 256 of them, or 1 MiB. Stops at the first that fails, and returns what sending that one
/// would have; it and all behind it are not queued. SendTimeout bounds how long it waits for room in all.
///
/// @param messages  `count` of them; NULL only with count 0, which is no error
/// @param queued    how many were queued; set also when the result is not 0
/// @retval WSADDIN_QUEUE_FULL    no room for the message at `queued`
/// @retval WSADDIN_BAD_ARGUMENT  the message at `queued` has no such kind, a connection, or NULL with a size
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_send_batch(
    client: wsaddin_client,
    messages: *const wsaddin_outgoing,
    count: usize,
    queued: *mut usize,
) -> wsaddin_result {
    guard_of(client.id, || {
        // SAFETY: the caller's promise, for all.
        let (out, messages) = unsafe { (args::out("queued", queued, 0)?, args::list("messages", messages, count)?) };
        let object = CLIENTS.get(client.id)?;
        // SAFETY: the caller's promise.
        let messages = unsafe { outgoing(messages, false) };
        let sent = match on_io_thread() {
            true => send_each(client.id, messages, |one| object.send_batch(std::iter::once(Ok(one)))),
            false => object.send_batch(messages.map(prepared)),
        };
        set_sent(out, sent)
    })
}

/// Queues many messages, each for its connection, in order, as wsaddin_server_send_text and wsaddin_server_send_binary do
/// one: one call, one lock and one wake-up for as many as 256 of them, or 1 MiB. Stops at the first that fails, and
/// returns what sending that one would have; it and all behind it are not queued. SendTimeout bounds how long it waits
/// for room in all.
///
/// @param messages  `count` of them; NULL only with count 0, which is no error
/// @param queued    how many were queued; set also when the result is not 0
/// @retval WSADDIN_CLOSED        the connection of the message at `queued` has gone; go on behind it
/// @retval WSADDIN_QUEUE_FULL    no room for the message at `queued`
/// @retval WSADDIN_BAD_ARGUMENT  the message at `queued` has no such kind, a connection that never was, or NULL with a size
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_send_batch(
    server: wsaddin_server,
    messages: *const wsaddin_outgoing,
    count: usize,
    queued: *mut usize,
) -> wsaddin_result {
    guard_of(server.id, || {
        // SAFETY: the caller's promise, for all.
        let (out, messages) = unsafe { (args::out("queued", queued, 0)?, args::list("messages", messages, count)?) };
        let object = SERVERS.get(server.id)?;
        // SAFETY: the caller's promise.
        let messages = unsafe { outgoing(messages, true) };
        let sent = match on_io_thread() {
            true => send_each(server.id, messages, |one| object.send_batch(std::iter::once(Ok(one)))),
            false => object.send_batch(messages.map(prepared)),
        };
        set_sent(out, sent)
    })
}
