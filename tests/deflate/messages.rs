//! What is sent, and what of a peer's compressed messages is read.

use crate::deflate::{Expand, RSV1, Squeeze, TAIL, squeeze};
use crate::face::*;
use crate::raw::{self, BINARY, CONTINUE, FIN, PING, PONG, TEXT};
use crate::{compressed, noise, offering, words};
use std::io::Write;
use zlib_rs::DeflateFlush;

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
fn a_broadcast_fits_every_recipient() {
    let server = Server::new();
    server.compression_context(1).run("127.0.0.1", 0).unwrap();
    let none = "server_no_context_takeover";
    let offers = [
        (format!("permessage-deflate; {none}"), 15),
        (format!("permessage-deflate; {none}"), 15),
        (format!("permessage-deflate; {none}; server_max_window_bits=9"), 9),
        (format!("permessage-deflate; {none}; server_max_window_bits=9"), 9),
        ("permessage-deflate".into(), 15),
        ("x-nothing".into(), 0),
    ];
    let mut peers: Vec<_> = offers
        .iter()
        .map(|(offer, bits)| {
            let (stream, _) = offering(&server, offer);
            server.opened();
            (stream, (*bits > 0).then(|| Expand::new(*bits)))
        })
        .collect();
    for size in [10, 2000, 100_000] {
        let text = words(size);
        for round in 0..2 {
            assert_eq!(server.broadcast(&text), Ok(6));
            let mut payloads = Vec::new();
            for (at, (stream, expand)) in peers.iter_mut().enumerate() {
                let (first, payload) = raw::read_frame(stream).unwrap();
                assert_eq!(first & !RSV1, FIN | TEXT);
                let compressed = first & RSV1 != 0;
                assert_eq!(compressed, at < 5 && size > 10, "{at}: {size}");
                let keeps = at == 4;
                match expand.as_mut().filter(|_| compressed) {
                    Some(expand) if keeps => assert_eq!(expand.message(&payload), text.as_bytes()),
                    Some(_) => assert_eq!(Expand::new(offers[at].1).message(&payload), text.as_bytes()),
                    None => assert_eq!(payload, text.as_bytes()),
                }
                payloads.push(payload);
            }
            assert_eq!((&payloads[0], &payloads[2]), (&payloads[1], &payloads[3]), "one for each window");
            if size == 2000 {
                assert!(round == 0 || payloads[4].len() < payloads[0].len() / 2, "the context is kept");
            }
        }
    }
}

#[test]
fn every_form_of_a_compressed_message_is_read() {
    let server = Server::running();
    // A slow machine must not add pings to the answers.
    server.ping_interval(0);
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
            // Of a flood not every ping has its answer.
            let pings = payload.chunks(size).count().min(20);
            for (at, part) in payload.chunks(size).enumerate() {
                bytes.extend(raw::frame(first, true, part));
                if at < pings {
                    bytes.extend(raw::frame(FIN | PING, true, b"?"));
                }
                first = CONTINUE;
            }
            bytes.extend(raw::frame(first | FIN, true, b""));
            stream.write_all(&bytes).unwrap();
            assert_eq!(server.event().text(), expected, "{name} in fragments of {size}");
            for _ in 0..pings {
                assert_eq!(raw::read_frame(&mut stream), Some((FIN | PONG, b"?".to_vec())));
            }
        }
    }
    // Plain messages between compressed ones.
    stream.write_all(&raw::frame(FIN | TEXT, true, b"plain")).unwrap();
    assert_eq!(server.event().text(), "plain");
}
