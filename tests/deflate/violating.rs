//! What ends a connection that has agreed on compression, and what a bomb costs.

use crate::deflate::{RSV1, Squeeze, squeeze};
use crate::face::*;
use crate::raw::{self, BINARY, CLOSE, CONTINUE, FIN, PING, PONG, TEXT, Then};
use crate::{answering, noise, offering, words};
use std::io::Write;
use websocket_addin::capi::*;
use zlib_rs::DeflateFlush;

/// What ends a connection that has agreed on compression, with its code and text.
fn violations() -> Vec<(&'static str, Vec<Vec<u8>>, u16, &'static str)> {
    let data = squeeze(words(2000).as_bytes());
    let (reserved, bad) = ("the peer set a reserved bit", "a compressed message that cannot be inflated");
    let inside = "a new message began inside another";
    let utf8 = "a text message that is not valid UTF-8";
    let one = |first: u8, payload: &[u8]| vec![vec![first], payload.to_vec()];
    let two = |a: (u8, &[u8]), b: (u8, &[u8])| vec![vec![a.0], a.1.to_vec(), vec![b.0], b.1.to_vec()];
    let mut cut_character = Squeeze::new(6, 15);
    let begin = cut_character.flush(b"abc\xd0", DeflateFlush::SyncFlush);
    vec![
        ("RSV1 of a ping", one(FIN | RSV1 | PING, b""), 1002, reserved),
        ("RSV1 of a pong", one(FIN | RSV1 | PONG, &data[..20]), 1002, reserved),
        ("RSV1 of a close", one(FIN | RSV1 | CLOSE, &[3, 232]), 1002, reserved),
        ("RSV1 of a ping inside a message", two((RSV1 | TEXT, &data), (FIN | RSV1 | PING, b"")), 1002, reserved),
        ("RSV1 of a reserved kind", one(FIN | RSV1 | 3, b""), 1002, "the peer used the reserved opcode 3"),
        ("another message inside", two((RSV1 | TEXT, &data), (FIN | RSV1 | TEXT, &data)), 1002, inside),
        ("a plain message inside", two((RSV1 | TEXT, &data), (FIN | TEXT, b"x")), 1002, inside),
        ("RSV2", one(FIN | RSV1 | 0x20 | TEXT, &data), 1002, reserved),
        ("RSV3", one(FIN | 0x10 | TEXT, &data), 1002, reserved),
        ("RSV1 of a continuation", two((RSV1 | TEXT, &data), (FIN | RSV1 | CONTINUE, b"")), 1002, reserved),
        ("RSV1 of a continuation alone", two((TEXT, b"a"), (FIN | RSV1 | CONTINUE, &data)), 1002, reserved),
        ("no deflate", one(FIN | RSV1 | TEXT, &[0xff; 20]), 1007, bad),
        ("a cut message", one(FIN | RSV1 | TEXT, &data[..data.len() - 3]), 1007, bad),
        ("a cut stored block", one(FIN | RSV1 | BINARY, &[0, 9, 0, 0xf6, 0xff, 1, 2, 3]), 1007, bad),
        ("with its tail", one(FIN | RSV1 | BINARY, &[&squeeze(b"Hello")[..], &[0, 0, 0xff]].concat()), 1007, bad),
        ("too far back", one(FIN | RSV1 | BINARY, &[0x02, 0x08, 0x00, 0x00]), 1007, bad),
        ("not UTF-8", one(FIN | RSV1 | TEXT, &squeeze(b"abc\xff")), 1007, utf8),
        ("a cut character", one(FIN | RSV1 | TEXT, &squeeze(b"abc\xd0")), 1007, utf8),
        // Told before the message is complete.
        (
            "not UTF-8 in a fragment",
            one(RSV1 | TEXT, &Squeeze::new(6, 15).flush(b"abc\xff", DeflateFlush::SyncFlush)),
            1007,
            utf8,
        ),
        (
            "a bad character across fragments",
            two((RSV1 | TEXT, &begin), (CONTINUE, &cut_character.flush(b"\x20", DeflateFlush::SyncFlush))),
            1007,
            utf8,
        ),
    ]
}

fn wire(parts: &[Vec<u8>], masked: bool) -> Vec<u8> {
    parts.chunks(2).flat_map(|part| raw::frame(part[0][0], masked, &part[1])).collect()
}

#[test]
fn a_server_ends_each_violation_with_its_code() {
    for (name, parts, code, text) in violations() {
        let server = Server::running();
        let (mut stream, _) = offering(&server, "permessage-deflate");
        server.opened();
        stream.write_all(&wire(&parts, true)).unwrap();
        assert_eq!(raw::read_close(&mut stream), Some((code, text.into())), "{name}");
        assert_eq!(server.event().close(), (i64::from(code), text.into(), false), "{name}");
    }
}

#[test]
fn a_client_ends_each_violation_with_its_code() {
    for (name, parts, code, text) in violations() {
        let peer = answering("permessage-deflate; server_no_context_takeover", move |stream| {
            let _ = stream.write_all(&raw::frame(FIN | TEXT, false, b"before"));
            let _ = stream.write_all(&wire(&parts, false));
            assert_eq!(raw::read_close(stream).map(|close| close.0), Some(code), "{name}");
            Then::Close
        });
        let client = Client::new();
        client.connect(&peer.url()).unwrap();
        assert_eq!(client.event().event, WSADDIN_EVENT_OPEN, "{name}");
        assert_eq!(client.event().text(), "before", "{name}");
        assert_eq!(client.event().close(), (i64::from(code), text.into(), false), "{name}");
    }
}

/// The most memory this process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_bomb_costs_its_connection_and_no_memory() {
    let server = Server::new();
    server.max_message_size(1 << 20).run("127.0.0.1", 0).unwrap();
    // 256 MiB of zeros in about 260 KiB, and ten KiB of it are more than enough.
    let mut bomb = squeeze(&vec![0; 64 << 20]);
    bomb.truncate(10 << 10);
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak();
    for first in [FIN | RSV1 | BINARY, RSV1 | TEXT] {
        let (mut stream, _) = offering(&server, "permessage-deflate");
        server.opened();
        stream.write_all(&raw::frame(first, true, &bomb)).unwrap();
        let text = "a compressed message exceeds the limit of 1048576 bytes";
        assert_eq!(raw::read_close(&mut stream), Some((1009, text.into())));
        assert_eq!(server.event().close(), (1009, text.into(), false));
    }
    let grown = peak().saturating_sub(before);
    // Tests that run beside this one take some, too.
    assert!(grown < 24 << 10, "{grown} KiB");
    // Exactly the limit passes, also where compressing made it longer.
    let (mut stream, _) = offering(&server, "permessage-deflate");
    server.opened();
    let payload = Squeeze::new(0, 15).message(&noise(1 << 20));
    assert!(payload.len() > 1 << 20);
    stream.write_all(&raw::frame(FIN | RSV1 | BINARY, true, &payload)).unwrap();
    assert_eq!(server.event().data, noise(1 << 20));
}

#[test]
fn unfinished_messages_are_booked_by_what_they_hold() {
    let server = Server::new();
    server.assembly_bytes(1 << 20).run("127.0.0.1", 0).unwrap();
    let (mut stream, _) = offering(&server, "permessage-deflate");
    server.opened();
    let small = Squeeze::new(6, 15).flush(&vec![b'a'; 2 << 20], DeflateFlush::SyncFlush);
    assert!(small.len() < 5000);
    stream.write_all(&raw::frame(RSV1 | TEXT, true, &small)).unwrap();
    assert_eq!(raw::read_close(&mut stream).map(|close| close.0), Some(1013));
}
