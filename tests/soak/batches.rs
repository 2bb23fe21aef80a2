//! Many messages in one call, beside the calls that take and send one.

use crate::copied;
use crate::face::{Client, Event, Got, Outcome, Server, check};
use std::ptr::null_mut;
use websocket_addin::capi::*;

/// What a receive came back with.
pub enum Came {
    Events(Vec<Event>),
    Timeout,
    Closed,
}

impl From<Got> for Came {
    fn from(got: Got) -> Self {
        match got {
            Got::Event(event) => Self::Events(vec![event]),
            Got::Timeout => Self::Timeout,
            Got::Closed => Self::Closed,
        }
    }
}

fn received(call: impl FnOnce(*mut *mut wsaddin_batch) -> i32) -> Outcome<Came> {
    let mut batch = null_mut();
    Ok(match check(call(&raw mut batch))? {
        WSADDIN_TIMEOUT => Came::Timeout,
        WSADDIN_CLOSED => Came::Closed,
        number => {
            assert_eq!(number, WSADDIN_OK);
            // SAFETY: a batch that is ours until it is freed, once, and the messages in it.
            let events: Vec<Event> = unsafe {
                let events = (0..wsaddin_batch_count(batch)).map(|at| copied(wsaddin_batch_at(batch, at))).collect();
                wsaddin_batch_free(batch);
                events
            };
            assert!(!events.is_empty(), "an empty batch");
            Came::Events(events)
        }
    })
}

pub fn of_client(client: &Client, timeout_ms: i64) -> Outcome<Came> {
    // SAFETY: the place is writable for the call.
    received(|place| unsafe { wsaddin_client_receive_event_batch(client.0, timeout_ms, place) })
}

pub fn of_server(server: &Server, timeout_ms: i64) -> Outcome<Came> {
    // SAFETY: the place is writable for the call.
    received(|place| unsafe { wsaddin_server_receive_event_batch(server.0, timeout_ms, place) })
}

/// A message to be sent: its connection, its kind, its data.
pub type Outgoing<'a> = (u64, wsaddin_kind, &'a [u8]);

fn outgoing(messages: &[Outgoing]) -> Vec<wsaddin_outgoing> {
    messages
        .iter()
        .map(|(connection, kind, data)| wsaddin_outgoing {
            connection: *connection,
            kind: *kind,
            data: data.as_ptr().cast(),
            size: data.len(),
        })
        .collect()
}

/// How many were queued, and how it ended.
pub fn send_to_server(client: &Client, messages: &[Outgoing]) -> (usize, Outcome<i32>) {
    let (messages, mut queued) = (outgoing(messages), 0);
    // SAFETY: the list and its data are readable, and the place writable, for the call.
    let result = unsafe { wsaddin_client_send_batch(client.0, messages.as_ptr(), messages.len(), &raw mut queued) };
    (queued, check(result))
}

/// Sends to all that are still there.
pub fn send_to_clients(server: &Server, messages: &[Outgoing]) -> Outcome {
    let messages = outgoing(messages);
    let mut rest = &messages[..];
    loop {
        let mut queued = 0;
        // SAFETY: as above.
        let result = unsafe { wsaddin_server_send_batch(server.0, rest.as_ptr(), rest.len(), &raw mut queued) };
        match check(result)? {
            WSADDIN_OK => {
                assert_eq!(queued, rest.len(), "a batch was queued in part");
                return Ok(());
            }
            number => {
                assert_eq!(number, WSADDIN_CLOSED);
                // That one's connection has gone.
                rest = &rest[queued + 1..];
            }
        }
    }
}
