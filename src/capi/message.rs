//! Messages and other events, as the host reads them.

use super::args::{self, Out};
use super::guard::{guard, guard_read, language};
use super::result::{Done, wsaddin_result};
use crate::engine::{Body, Event, EventData, Outcome};
use crate::error::Result;
use crate::library::is_forked;
use crate::ws::{Message, MessageKind};
use bytes::Bytes;
use std::ptr::null_mut;

/// What happened: WSADDIN_EVENT_...
pub type wsaddin_event = i32;
/// No event: only from wsaddin_message_event(NULL).
pub const WSADDIN_EVENT_NONE: wsaddin_event = 0;
/// A connection is open. Data: JSON, a client's {"url","protocol","extensions","attempt"}, a server's as
/// wsaddin_server_connection_info gives it.
pub const WSADDIN_EVENT_OPEN: wsaddin_event = 1;
/// A message came. Data: its payload.
pub const WSADDIN_EVENT_MESSAGE: wsaddin_event = 2;
/// A connection has ended; each open has exactly one close. Data: JSON {"code","reason","clean"}; the code is 1006 when
/// the connection broke.
pub const WSADDIN_EVENT_CLOSE: wsaddin_event = 3;
/// An attempt to connect failed. Data: the error's text.
pub const WSADDIN_EVENT_ERROR: wsaddin_event = 4;
/// An incoming connection waits for wsaddin_server_accept or wsaddin_server_reject; if none comes before AcceptTimeout,
/// or the peer leaves, a close (1006) follows. Data: as wsaddin_server_connection_info gives it.
pub const WSADDIN_EVENT_PENDING: wsaddin_event = 5;
/// A server's session has ended with messages waiting. The data is JSON: name, messages (how many).
pub const WSADDIN_EVENT_EXPIRED: wsaddin_event = 6;
/// The send queue of a connection, which was full at a send or was skipped by a broadcast, is less than half full. Once
/// for each time; no data.
pub const WSADDIN_EVENT_DRAINED: wsaddin_event = 7;

/// How to read the data: WSADDIN_KIND_...
pub type wsaddin_kind = i32;
/// UTF-8, already checked. It may hold NUL characters.
pub const WSADDIN_KIND_TEXT: wsaddin_kind = 0;
/// Any bytes.
pub const WSADDIN_KIND_BINARY: wsaddin_kind = 1;

/// A received message or another event. One that a function handed out is yours: any thread may read it, and
/// wsaddin_message_free frees it, once, at any time before the library is unloaded. One that a handler was given is
/// borrowed until the handler returns.
pub struct wsaddin_message {
    event: wsaddin_event,
    kind: wsaddin_kind,
    connection: u64,
    data: *const u8,
    size: usize,
    /// Who keeps the data; `None` for a message that a handler is given where it lies.
    owner: Option<Bytes>,
    borrowed: bool,
}

impl wsaddin_message {
    fn new(event: wsaddin_event, kind: wsaddin_kind, connection: u64, data: Bytes) -> Self {
        // The place does not change when `Bytes` moves.
        let (start, size) = (data.as_ptr(), data.len());
        Self { event, kind, connection, data: start, size, owner: Some(data), borrowed: false }
    }

    fn message(connection: u64, message: Message) -> Self {
        // Takes the payload over from the engine: no copy between the socket and the host.
        Self::new(WSADDIN_EVENT_MESSAGE, number(message.kind()), connection, message.into_data())
    }

    fn event(event: Event) -> Self {
        let number = match &event.body {
            Body::Message(_) => WSADDIN_EVENT_MESSAGE,
            Body::Open(_) => WSADDIN_EVENT_OPEN,
            Body::Pending(_) => WSADDIN_EVENT_PENDING,
            Body::Close(_) => WSADDIN_EVENT_CLOSE,
            Body::Error(_) => WSADDIN_EVENT_ERROR,
            Body::Expired(_) => WSADDIN_EVENT_EXPIRED,
            Body::Drained => WSADDIN_EVENT_DRAINED,
        };
        let event = match event {
            Event { connection, body: Body::Message(message) } => return Self::message(connection, message),
            other => other,
        };
        let data = match event.data(language()) {
            EventData::Text(text) => Bytes::from(text.into_owned()),
            EventData::Binary(data) => Bytes::copy_from_slice(data),
        };
        Self::new(number, WSADDIN_KIND_TEXT, event.connection, data)
    }

    /// For a handler: lives only as long as the call.
    pub(super) fn lent_event(event: Event) -> Self {
        Self { borrowed: true, ..Self::event(event) }
    }

    /// The same, and the data as well.
    pub(super) fn lent(connection: u64, kind: MessageKind, data: &[u8]) -> Self {
        Self {
            event: WSADDIN_EVENT_MESSAGE,
            kind: number(kind),
            connection,
            data: data.as_ptr(),
            size: data.len(),
            owner: None,
            borrowed: true,
        }
    }

    /// A message of the caller's own with the same data.
    fn keep(&self) -> Result<Self> {
        let data = match &self.owner {
            Some(owner) => owner.clone(),
            None => {
                // SAFETY: a message without an owner lies in the engine's buffer as long as the handler runs, and only
                // there is the caller allowed to use it.
                let data = unsafe { std::slice::from_raw_parts(self.data, self.size) };
                Message::try_binary(data)?.into_data()
            }
        };
        Ok(Self::new(self.event, self.kind, self.connection, data))
    }

    fn into_raw(self) -> *mut Self {
        Box::into_raw(Box::new(self))
    }
}

fn number(kind: MessageKind) -> wsaddin_kind {
    match kind {
        MessageKind::Text => WSADDIN_KIND_TEXT,
        MessageKind::Binary => WSADDIN_KIND_BINARY,
    }
}

type MessageOut = Out<*mut wsaddin_message>;

/// # Safety
/// `place` is NULL or writable for the whole call.
pub(super) unsafe fn message_out(name: &'static str, place: *mut *mut wsaddin_message) -> Result<MessageOut> {
    // SAFETY: the same promise.
    unsafe { args::out(name, place, null_mut()) }
}

impl MessageOut {
    pub(super) fn set_message(self, connection: u64, message: Message) {
        self.set(wsaddin_message::message(connection, message).into_raw());
    }

    pub(super) fn set_outcome<T>(self, outcome: Outcome<T>, put: impl FnOnce(Self, T)) -> Done {
        match outcome {
            Outcome::Got(value) => {
                put(self, value);
                Done::Ok
            }
            Outcome::Timeout => Done::Timeout,
            Outcome::Closed => Done::Closed,
        }
    }

    pub(super) fn set_event(self, event: Event) {
        self.set(wsaddin_message::event(event).into_raw());
    }
}

/// Reads one field; `otherwise` for NULL.
///
/// # Safety
/// `message` is NULL or a message of ours that has not been freed.
unsafe fn field<T: Copy>(message: *const wsaddin_message, otherwise: T, read: impl FnOnce(&wsaddin_message) -> T) -> T {
    guard_read(otherwise, || {
        // SAFETY: the same promise.
        unsafe { message.as_ref() }.map_or(otherwise, read)
    })
}

/// What a message is, WSADDIN_EVENT_...; WSADDIN_EVENT_NONE for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_message_event(message: *const wsaddin_message) -> wsaddin_event {
    // SAFETY: NULL or a message of ours that has not been freed, by the caller's promise.
    unsafe { field(message, WSADDIN_EVENT_NONE, |message| message.event) }
}

/// Whether the data is text or binary, WSADDIN_KIND_...; all events but a binary message are text.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_message_kind(message: *const wsaddin_message) -> wsaddin_kind {
    // SAFETY: NULL or a message of ours that has not been freed, by the caller's promise.
    unsafe { field(message, WSADDIN_KIND_TEXT, |message| message.kind) }
}

/// The data: wsaddin_message_size bytes, NOT NUL-terminated, never NULL, good until the message is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_message_data(message: *const wsaddin_message) -> *const u8 {
    let empty = c"".as_ptr().cast();
    // SAFETY: NULL or a message of ours that has not been freed, by the caller's promise.
    unsafe { field(message, empty, |message| if message.size > 0 { message.data } else { empty }) }
}

/// How many bytes the data has; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_message_size(message: *const wsaddin_message) -> usize {
    // SAFETY: NULL or a message of ours that has not been freed, by the caller's promise.
    unsafe { field(message, 0, |message| message.size) }
}

/// The server's connection that it belongs to; 0 from a client, or for an error that belongs to no connection.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_message_connection(message: *const wsaddin_message) -> u64 {
    // SAFETY: NULL or a message of ours that has not been freed, by the caller's promise.
    unsafe { field(message, 0, |message| message.connection) }
}

/// Makes a message of your own from one that a handler was given (or from one of your own). The data is copied where it
/// still lies in the buffer of the I/O thread, and shared otherwise. Free it with wsaddin_message_free.
///
/// @param kept  the new message
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_message_keep(
    message: *const wsaddin_message,
    kept: *mut *mut wsaddin_message,
) -> wsaddin_result {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { message_out("kept", kept) }?;
        // SAFETY: NULL or a message of ours that has not been freed, by the caller's promise.
        let message = unsafe { args::reference("message", message) }?;
        out.set(message.keep()?.into_raw());
        Ok(())
    })
}

/// Frees a message. NULL does nothing, and neither does a message that a handler was given: that one is not yours.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_message_free(message: *mut wsaddin_message) {
    guard_read((), || {
        // In a forked child the memory's pool may be locked for ever.
        if is_forked() {
            return;
        }
        // SAFETY: NULL or a message of ours that has not been freed, by the caller's promise.
        if unsafe { message.as_ref() }.is_some_and(|message| !message.borrowed) {
            // SAFETY: one that is not borrowed was made by `into_raw`, and nobody reads it any more.
            drop(unsafe { Box::from_raw(message) });
        }
    });
}
