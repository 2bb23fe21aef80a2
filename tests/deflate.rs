//! permessage-deflate: what is negotiated, what is sent, and what of a peer's compressed frames is accepted.

mod common {
    pub mod deflate;
    pub mod face;
    pub mod raw;
}

use common::deflate::{Expand, RSV1, Squeeze, TAIL, squeeze};
use common::face::*;
use common::raw::{self, BINARY, CONTINUE, FIN, PING, PONG, Peer, TEXT, Then};
use std::io::Write;
use std::net::TcpStream;
use websocket_addin::capi::*;
use zlib_rs::DeflateFlush;

/// A raw client of a server, with what it offers and what is answered.
fn offering(server: &Server, offer: &str) -> (TcpStream, Option<String>) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&stream);
    let header = format!("Sec-WebSocket-Extensions: {offer}\r\n");
    stream.write_all(raw::request(server.port(), &header).as_bytes()).unwrap();
    let head = raw::read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    (stream, raw::header(&head, "Sec-WebSocket-Extensions").map(str::to_owned))
}

/// The payload of a data frame that must be compressed.
fn compressed(stream: &mut TcpStream, first: u8) -> Vec<u8> {
    let (got, payload) = raw::read_frame(stream).unwrap();
    assert_eq!(got, first | RSV1);
    payload
}

fn words(size: usize) -> String {
    let mut text = String::new();
    for at in 0_usize.. {
        text.push_str(["привет ", "wide ", "world ", "€ "][at * at % 7 % 4]);
        if text.len() >= size {
            break;
        }
    }
    text.truncate(text.floor_char_boundary(size));
    text
}

/// Bytes that do not compress.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

#[test]
fn our_client_and_our_server_agree_in_every_combination() {
    for (client_keeps, server_keeps) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        for (client_bits, server_bits) in [(15, 15), (8, 15), (15, 8), (9, 15), (11, 13)] {
            let server = Server::new();
            server.compression_context(server_keeps).compression_window_bits(server_bits);
            server.run("127.0.0.1", 0).unwrap();
            let client = Client::new();
            client.compression_context(client_keeps).compression_window_bits(client_bits);
            client.connect(&server.url()).unwrap();
            let connection = server.opened();
            let (kept, bits) = (client_keeps & server_keeps == 1, client_bits.min(server_bits));
            let mut expected = "permessage-deflate".to_owned();
            if !kept {
                expected += "; server_no_context_takeover; client_no_context_takeover";
            }
            if bits < 15 {
                expected += &format!("; server_max_window_bits={bits}; client_max_window_bits={bits}");
            }
            assert_eq!(client.extensions(), expected);
            assert_eq!(server.connection_info(connection).unwrap().unwrap()["extensions"], *expected);
            assert_eq!(client.event().json()["extensions"], *expected);
            for size in [0, 1, 255, 256, 1000, 70_000, 300_000] {
                let text = words(size);
                client.send(&text).unwrap();
                assert_eq!(server.event().text(), text);
                server.send(connection, &text).unwrap();
                assert_eq!(client.event().text(), text);
                let data = noise(size);
                client.send_binary(&data).unwrap();
                assert_eq!(server.event().data, data);
                server.send_binary(connection, &data).unwrap();
                assert_eq!(client.event().data, data);
            }
        }
    }
}

#[test]
fn statistics_count_what_is_on_the_wire() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    let connection = server.opened();
    let text = "a".repeat(100_000);
    client.send(&text).unwrap();
    assert_eq!(server.event().text(), text);
    server.send(connection, &text).unwrap();
    client.event();
    assert_eq!(client.event().text(), text);
    for figures in [client.statistics(), server.statistics()] {
        for key in ["bytes_in", "bytes_out"] {
            let bytes = figures[key].as_u64().unwrap();
            assert!((50..2000).contains(&bytes), "{key}: {bytes}");
        }
    }
}

#[test]
fn it_can_be_switched_off_at_either_end() {
    for (at_client, at_server) in [(0, 1), (1, 0)] {
        let server = Server::new();
        server.compression(at_server).run("127.0.0.1", 0).unwrap();
        let client = Client::new();
        client.compression(at_client).connect(&server.url()).unwrap();
        server.opened();
        assert_eq!(client.extensions(), "");
        client.send(&words(1000)).unwrap();
        assert_eq!(server.event().text(), words(1000));
        assert_eq!(server.statistics()["bytes_in"], words(1000).len());
    }
}

#[test]
fn a_server_answers_the_first_offer_that_it_can_meet() {
    let server = Server::running();
    let none = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    for (offer, answer) in [
        ("permessage-deflate; client_max_window_bits", Some(none.to_owned())),
        (
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
            Some(format!("{none}; server_max_window_bits=10; client_max_window_bits=9")),
        ),
        (
            "permessage-deflate; unknown\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8",
            Some(format!("{none}; server_max_window_bits=8")),
        ),
        ("permessage-deflate; server_max_window_bits=7", None),
        ("permessage-deflate; client_max_window_bits=10; client_max_window_bits=10", None),
        ("x-webkit-deflate-frame", None),
    ] {
        let (mut stream, answered) = offering(&server, offer);
        assert_eq!(answered, answer, "{offer}");
        stream.write_all(&raw::frame(FIN | TEXT, true, b"x")).unwrap();
        server.opened();
        assert_eq!(server.event().text(), "x");
        drop(stream);
        server.event();
    }
}

#[test]
fn a_malformed_offer_is_refused() {
    let server = Server::running();
    for offer in ["permessage-deflate;", "permessage-deflate; =1", "a b", "\"x\""] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        raw::patient(&stream);
        let header = format!("Sec-WebSocket-Extensions: {offer}\r\n");
        stream.write_all(raw::request(server.port(), &header).as_bytes()).unwrap();
        assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 400 "), "{offer}");
    }
}

/// A server that answers with this extension and goes on with the script.
fn answering(extensions: &'static str, script: impl Fn(&mut TcpStream) -> Then + Send + Sync + 'static) -> Peer {
    Peer::new(move |stream| {
        let head = raw::read_head(stream);
        let answer = raw::accept(&head, &format!("Sec-WebSocket-Extensions: {extensions}\r\n"));
        let _ = stream.write_all(answer.as_bytes());
        script(stream)
    })
}

#[test]
fn a_client_refuses_an_answer_that_fits_no_offer() {
    for answer in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; unknown",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=16",
        "permessage-deflate; server_no_context_takeover; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover",
    ] {
        let peer = answering(answer, |_| Then::Keep);
        let fault = Client::new().connect(&peer.url()).unwrap_err();
        assert_eq!(fault.code, WSADDIN_HANDSHAKE, "{answer}");
        let expected = format!("the server's answer on extensions fits no offer: {answer}");
        assert!(fault.text.ends_with(&expected), "{}", fault.text);
    }
}

#[test]
fn windows_and_contexts_are_as_agreed() {
    let server = Server::new();
    server.compression_context(1).run("127.0.0.1", 0).unwrap();
    for bits in 8..=15_u8 {
        let (mut stream, _) =
            offering(&server, &format!("permessage-deflate; server_max_window_bits={bits}; client_max_window_bits"));
        let connection = server.opened();
        // Both inflaters have no larger window than agreed, so a match that reaches back further is an error.
        let mut expand = Expand::new(bits);
        let text = words(100_000);
        let mut sizes = Vec::new();
        for _ in 0..3 {
            server.send(connection, &text).unwrap();
            let payload = compressed(&mut stream, FIN | TEXT);
            sizes.push(payload.len());
            assert_eq!(expand.message(&payload), text.as_bytes(), "{bits} bits");
        }
        let mut squeeze = Squeeze::new(9, bits.max(9));
        for _ in 0..3 {
            stream.write_all(&raw::frame(FIN | RSV1 | TEXT, true, &squeeze.message(text.as_bytes()))).unwrap();
            assert_eq!(server.event().text(), text, "{bits} bits");
        }
        drop(stream);
        server.event();
    }
    // A text of 300 bytes that comes again is nothing but a reference.
    let (mut stream, _) = offering(&server, "permessage-deflate");
    let connection = server.opened();
    let text = String::from_utf8(noise(600).iter().map(|byte| b' ' + byte % 90).collect()).unwrap();
    let sizes: Vec<usize> = (0..2)
        .map(|_| {
            server.send(connection, &text).unwrap();
            compressed(&mut stream, FIN | TEXT).len()
        })
        .collect();
    assert!(sizes[1] < 30 && sizes[0] > 300, "{sizes:?}");
}

#[test]
fn without_takeover_each_message_stands_alone() {
    let server = Server::running();
    let (mut stream, _) = offering(&server, "permessage-deflate");
    let connection = server.opened();
    for _ in 0..3 {
        server.send(connection, &words(2000)).unwrap();
        let payload = compressed(&mut stream, FIN | TEXT);
        assert_eq!(Expand::new(15).message(&payload), words(2000).as_bytes());
    }
    // What is short, or does not shrink, goes out as it is.
    server.send(connection, &"x".repeat(20)).unwrap();
    assert_eq!(raw::read_frame(&mut stream), Some((FIN | TEXT, vec![b'x'; 20])));
    server.send_binary(connection, &noise(5000)).unwrap();
    assert_eq!(raw::read_frame(&mut stream), Some((FIN | BINARY, noise(5000))));
}

#[test]
fn every_form_of_a_compressed_message_is_read() {
    let server = Server::running();
    let (mut stream, _) = offering(&server, "permessage-deflate");
    server.opened();
    let text = words(1000);
    let mut blocks = Squeeze::new(6, 15);
    let several: Vec<u8> =
        text.as_bytes().chunks(100).flat_map(|part| blocks.flush(part, DeflateFlush::FullFlush)).collect();
    let several = several.strip_suffix(&TAIL).unwrap().to_vec();
    let mut last = Squeeze::new(6, 15).flush(text.as_bytes(), DeflateFlush::Finish);
    let bare_last = last.clone();
    // Section 7.2.3.4: a final block is followed by a byte of zeros.
    last.push(0);
    let twice = [bare_last.clone(), squeeze(b"again")].concat();
    for (name, payload, expected) in [
        ("the example of section 7.2.3.1", vec![0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], "Hello".to_owned()),
        ("stored", vec![0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00], "Hello".into()),
        ("final", vec![0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], "Hello".into()),
        (
            "two blocks",
            vec![0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
            "Hello".into(),
        ),
        ("several blocks", several, text.clone()),
        ("a long final block", last, text.clone()),
        ("a final block alone", bare_last, text.clone()),
        ("two streams", twice, text.clone() + "again"),
        ("an empty message", vec![0x00], String::new()),
        ("an empty message of another kind", vec![0x02, 0x00], String::new()),
        ("nothing at all", vec![], String::new()),
        ("stored by level 0", Squeeze::new(0, 15).message(text.as_bytes()), text.clone()),
    ] {
        stream.write_all(&raw::frame(FIN | RSV1 | TEXT, true, &payload)).unwrap();
        assert_eq!(server.event().text(), expected, "{name}");
        // In fragments of every size, with pings between.
        for size in [1, 2, 3, 7, 100] {
            let mut bytes = Vec::new();
            let mut first = RSV1 | TEXT;
            for part in payload.chunks(size) {
                bytes.extend(raw::frame(first, true, part));
                bytes.extend(raw::frame(FIN | PING, true, b"?"));
                first = CONTINUE;
            }
            bytes.extend(raw::frame(first | FIN, true, b""));
            stream.write_all(&bytes).unwrap();
            assert_eq!(server.event().text(), expected, "{name} in fragments of {size}");
            for _ in payload.chunks(size) {
                assert_eq!(raw::read_frame(&mut stream), Some((FIN | PONG, b"?".to_vec())));
            }
        }
    }
    // Plain messages between compressed ones.
    stream.write_all(&raw::frame(FIN | TEXT, true, b"plain")).unwrap();
    assert_eq!(server.event().text(), "plain");
}

/// What ends a connection that has agreed on compression, with its code and text.
fn violations() -> Vec<(&'static str, Vec<Vec<u8>>, u16, &'static str)> {
    let data = squeeze(words(2000).as_bytes());
    let (reserved, bad) = ("the peer set a reserved bit", "a compressed message that cannot be inflated");
    let utf8 = "a text message that is not valid UTF-8";
    let one = |first: u8, payload: &[u8]| vec![vec![first], payload.to_vec()];
    let two = |a: (u8, &[u8]), b: (u8, &[u8])| vec![vec![a.0], a.1.to_vec(), vec![b.0], b.1.to_vec()];
    let mut cut_character = Squeeze::new(6, 15);
    let begin = cut_character.flush(b"abc\xd0", DeflateFlush::SyncFlush);
    vec![
        ("RSV1 of a ping", one(FIN | RSV1 | PING, b""), 1002, reserved),
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
