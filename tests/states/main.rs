//! A client in every state and after every kind of end, and the events that tell of it.

#[path = "../common/face.rs"]
mod face;
#[path = "../common/raw.rs"]
mod raw;
#[path = "../reference/keys.rs"]
mod table;

mod alive;
mod ends;
mod events;
mod handshake;
mod json;

use face::*;
use raw::{BlackHole, FIN, Peer, Then};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// What our client and our server agree on when nothing is set.
const DEFLATE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Status, ReadyState, CloseCode, CloseReason, Server.
fn state(client: &Client) -> (i64, i64, i64, String, String) {
    (client.status(), client.ready_state(), client.close_code(), client.close_reason(), client.server())
}

#[track_caller]
fn is(client: &Client, status: i64, ready: i64, code: i64, reason: &str, server: &str) {
    assert_eq!(state(client), (status, ready, code, reason.into(), server.into()));
}

/// What holds of every client that is not open.
#[track_caller]
fn cannot_send(client: &Client) {
    assert_eq!(code(client.send("x")), WSADDIN_NOT_CONNECTED);
    assert_eq!(code(client.ping(1000)), WSADDIN_NOT_CONNECTED);
    assert_eq!(code(client.request("{}", 1000)), WSADDIN_NOT_CONNECTED);
    assert_eq!((client.protocol(), client.extensions()), (String::new(), String::new()));
}
