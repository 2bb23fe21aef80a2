//! Peers that break the protocol, byte by byte, against our server and our client: the close code that they are sent
//! and what the host is told.

mod common {
    pub mod face;
    pub mod raw;
}

use common::face::*;
use common::raw::{self, BINARY, CLOSE, CONTINUE, FIN, PING, PONG, Peer, TEXT, Then};
use std::io::{Read, Write};
use std::sync::{Mutex, mpsc};
use std::time::Duration;
use websocket_addin::capi::*;

/// What breaks the protocol on either side, with the code and the text it is closed with. The frames are masked as the
/// role demands by `frame`.
fn violations(frame: impl Fn(u8, &[u8]) -> Vec<u8>) -> Vec<(&'static str, Vec<u8>, u16, &'static str)> {
    let all = |parts: &[Vec<u8>]| parts.concat();
    let close = |body: &[u8]| frame(FIN | CLOSE, body);
    let forbidden = |code: u16| close(&raw::close_body(code, ""));
    let mut list = vec![
        ("RSV1", frame(FIN | 0x40 | TEXT, b"x"), 1002, "the peer set a reserved bit"),
        ("RSV2", frame(FIN | 0x20 | TEXT, b"x"), 1002, "the peer set a reserved bit"),
        ("RSV3 of a ping", frame(FIN | 0x10 | PING, b"x"), 1002, "the peer set a reserved bit"),
        ("opcode 3", frame(FIN | 3, b"x"), 1002, "the peer used the reserved opcode 3"),
        ("opcode 15", frame(FIN | 15, b"x"), 1002, "the peer used the reserved opcode 15"),
        ("a long ping", frame(FIN | PING, &[0; 126]), 1002, "a control frame of 126 bytes, 125 are allowed"),
        ("a long close", frame(FIN | CLOSE, &[3; 200]), 1002, "a control frame of 200 bytes, 125 are allowed"),
        ("a fragmented ping", frame(PING, b"x"), 1002, "a fragmented control frame"),
        ("a fragmented close", frame(CLOSE, &[3, 232]), 1002, "a fragmented control frame"),
        ("nothing to continue", frame(FIN | CONTINUE, b"x"), 1002, "a continuation frame without a beginning"),
        (
            "a continuation after the end",
            all(&[frame(TEXT, b"a"), frame(FIN | CONTINUE, b"b"), frame(CONTINUE, b"c")]),
            1002,
            "a continuation frame without a beginning",
        ),
        (
            "a message inside another",
            all(&[frame(TEXT, b"a"), frame(FIN | BINARY, b"b")]),
            1002,
            "a new message began inside another",
        ),
        ("a text that is no UTF-8", frame(FIN | TEXT, &[b'a', 0xff]), 1007, "a text message that is not valid UTF-8"),
        ("a surrogate", frame(FIN | TEXT, &[0xed, 0xa0, 0x80]), 1007, "a text message that is not valid UTF-8"),
        ("a cut character", frame(FIN | TEXT, &[0xd0]), 1007, "a text message that is not valid UTF-8"),
        (
            "a character cut at the end of fragments",
            all(&[frame(TEXT, &[0xd0]), frame(CONTINUE, &[0x96]), frame(FIN | CONTINUE, &[0xd0])]),
            1007,
            "a text message that is not valid UTF-8",
        ),
        (
            "a bad beginning of a text that goes on",
            frame(TEXT, &[0xff]),
            1007,
            "a text message that is not valid UTF-8",
        ),
        ("a close of one byte", close(&[3]), 1002, "a close frame of one byte"),
        ("a close reason that is no UTF-8", close(&[3, 232, 0xce]), 1007, "a close reason that is not valid UTF-8"),
        ("a length that is not minimal", not_minimal(&frame(FIN | BINARY, &[0; 126])), 1002, LENGTH),
        ("a length over 2^63", too_long(&frame(FIN | BINARY, &[0; 65536])), 1002, LENGTH),
    ];
    for (code, text) in [
        (0, "the peer closed with the forbidden code 0"),
        (999, "the peer closed with the forbidden code 999"),
        (1004, "the peer closed with the forbidden code 1004"),
        (1005, "the peer closed with the forbidden code 1005"),
        (1006, "the peer closed with the forbidden code 1006"),
        (1015, "the peer closed with the forbidden code 1015"),
        (2999, "the peer closed with the forbidden code 2999"),
        (5000, "the peer closed with the forbidden code 5000"),
    ] {
        list.push(("a forbidden close code", forbidden(code), 1002, text));
    }
    list
}

const LENGTH: &str = "a frame length that is not minimal or not possible";

/// Says 5 in the two bytes of the length.
fn not_minimal(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[2..4].copy_from_slice(&[0, 5]);
    frame
}

/// Sets the first bit of the eight bytes of the length.
fn too_long(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[2] |= 0x80;
    frame
}

/// Breaks the protocol against a server: what it answers and what it tells its host.
fn against_server(name: &str, bytes: &[u8], code: u16, text: &str) {
    let server = Server::running();
    let mut peer = raw::client(server.port());
    let connection = server.opened();
    peer.write_all(&raw::frame(FIN | TEXT, true, "до".as_bytes())).unwrap();
    // It may have closed before it has read everything.
    let _ = peer.write_all(bytes);
    let _ = peer.write_all(&raw::frame(FIN | TEXT, true, b"too late"));
    let before = server.event();
    assert_eq!((before.connection, before.text()), (connection, "до"), "{name}");
    let mut event = server.event();
    if event.event == WSADDIN_EVENT_MESSAGE && name == "a continuation after the end" {
        assert_eq!(event.text(), "ab");
        event = server.event();
    }
    assert_eq!(event.close(), (i64::from(code), text.into(), false), "{name}");
    assert_eq!(raw::read_close(&mut peer), Some((code, text.into())), "{name}");
    assert!(!matches!(peer.read(&mut [0; 1]), Ok(1)), "{name}: the socket is closed after that");
    assert_eq!(server.receive_event(-1), Ok(Got::Timeout), "{name}: nothing follows");
    assert_eq!(server.connection_count(), 0, "{name}");
    assert_eq!(server.statistics()["closes"][code.to_string()], 1, "{name}");
}

#[test]
fn a_server_answers_each_violation_with_its_code() {
    for (name, bytes, code, text) in violations(|first, payload| raw::frame(first, true, payload)) {
        against_server(name, &bytes, code, text);
    }
}

#[test]
fn a_server_refuses_unmasked_frames() {
    for first in [FIN | TEXT, FIN | PING, FIN | CLOSE] {
        against_server("unmasked", &raw::frame(first, false, &[3, 232]), 1002, "the client sent an unmasked frame");
    }
}

#[test]
fn a_server_tells_a_violation_that_comes_with_the_request() {
    let server = Server::running();
    let mut peer = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&peer);
    let mut bytes = raw::request(server.port(), "").into_bytes();
    bytes.extend(raw::frame(FIN | TEXT, true, b"early"));
    bytes.extend(raw::frame(FIN | TEXT, false, b"unmasked"));
    peer.write_all(&bytes).unwrap();
    assert!(raw::read_head(&mut peer).starts_with("HTTP/1.1 101 "));
    assert_eq!(raw::read_close(&mut peer), Some((1002, "the client sent an unmasked frame".into())));
    server.opened();
    assert_eq!(server.event().text(), "early");
    assert_eq!(server.event().close(), (1002, "the client sent an unmasked frame".into(), false));
}

/// Breaks the protocol against a client: what it answers and what it tells its host.
fn against_client(name: &'static str, bytes: Vec<u8>, code: u16, text: &str) {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let peer = Peer::websocket(move |stream| {
        let _ = stream.write_all(&raw::frame(FIN | TEXT, false, "до".as_bytes()));
        let _ = stream.write_all(&bytes);
        let _ = stream.write_all(&raw::frame(FIN | TEXT, false, b"too late"));
        tell.lock().unwrap().send(raw::read_close(stream)).unwrap();
        Then::Close
    });
    let client = Client::new();
    client.connect(&peer.url()).unwrap();
    assert_eq!(client.event().event, WSADDIN_EVENT_OPEN, "{name}");
    assert_eq!(client.event().text(), "до", "{name}");
    let mut event = client.event();
    if event.event == WSADDIN_EVENT_MESSAGE && name == "a continuation after the end" {
        assert_eq!(event.text(), "ab");
        event = client.event();
    }
    assert_eq!(event.close(), (i64::from(code), text.into(), false), "{name}");
    assert_eq!(told.recv_timeout(Duration::from_secs(20)).unwrap(), Some((code, text.into())), "{name}");
    assert_eq!(client.receive_event(0), Ok(Got::Closed), "{name}: nothing follows");
    assert_eq!((client.status(), client.ready_state()), (-1, 3), "{name}");
    assert_eq!((client.close_code(), client.close_reason()), (i64::from(code), text.into()), "{name}");
}

#[test]
fn a_client_answers_each_violation_with_its_code() {
    for (name, bytes, code, text) in violations(|first, payload| raw::frame(first, false, payload)) {
        against_client(name, bytes, code, text);
    }
}

#[test]
fn a_client_refuses_masked_frames() {
    for first in [FIN | TEXT, FIN | PONG, FIN | CLOSE] {
        against_client("masked", raw::frame(first, true, &[3, 232]), 1002, "the server sent a masked frame");
    }
}

#[test]
fn what_is_unusual_and_allowed() {
    let server = Server::running();
    let mut peer = raw::client(server.port());
    let connection = server.opened();
    let mut bytes = Vec::new();
    for part in [
        raw::frame(FIN | TEXT, true, b""),
        raw::frame(TEXT, true, &[0xd0]),
        // Control frames between fragments, also unasked pongs and empty pings.
        raw::frame(FIN | PING, true, b""),
        raw::frame(FIN | PONG, true, b"unasked"),
        raw::frame(CONTINUE, true, b""),
        raw::frame(FIN | PING, true, &[7; 125]),
        raw::frame(FIN | CONTINUE, true, &[0x96]),
        raw::frame(FIN | BINARY, true, b"\0"),
        raw::frame(FIN | CLOSE, true, &raw::close_body(3000, "пока")),
    ] {
        bytes.extend(part);
    }
    // Byte by byte, wherever a frame may be cut.
    for byte in &bytes {
        peer.write_all(std::slice::from_ref(byte)).unwrap();
    }
    assert_eq!(raw::read_frame(&mut peer), Some((FIN | PONG, Vec::new())));
    assert_eq!(raw::read_frame(&mut peer), Some((FIN | PONG, vec![7; 125])));
    assert_eq!(raw::read_close(&mut peer), Some((3000, String::new())), "the code comes back");
    for (kind, data) in
        [(WSADDIN_KIND_TEXT, &b""[..]), (WSADDIN_KIND_TEXT, "Ж".as_bytes()), (WSADDIN_KIND_BINARY, b"\0")]
    {
        let event = server.event();
        assert_eq!((event.event, event.kind, &event.data[..]), (WSADDIN_EVENT_MESSAGE, kind, data));
    }
    let event = server.event();
    assert_eq!((event.connection, event.close()), (connection, (3000, "пока".into(), true)));
}

#[test]
fn frames_behind_a_close_are_ignored() {
    let server = Server::running();
    let mut peer = raw::client(server.port());
    server.opened();
    let mut bytes = raw::frame(FIN | CLOSE, true, &[]);
    bytes.extend(raw::frame(FIN | TEXT, true, b"behind the close"));
    bytes.extend(raw::frame(FIN | 0x40 | TEXT, false, b"not even valid"));
    peer.write_all(&bytes).unwrap();
    assert_eq!(raw::read_close(&mut peer), Some((1005, String::new())), "an empty close is answered by an empty one");
    assert_eq!(server.event().close(), (1005, String::new(), true));
    assert_eq!(server.receive_event(-1), Ok(Got::Timeout));
}
