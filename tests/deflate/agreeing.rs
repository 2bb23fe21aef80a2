//! What is agreed on, and what is not.

use crate::deflate::{Expand, RSV1, Squeeze};
use crate::face::*;
use crate::raw::{self, FIN, TEXT, Then};
use crate::{answering, compressed, noise, offering, words};
use std::io::Write;
use std::net::TcpStream;
use websocket_addin::capi::*;

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
            // A client that bounds the window without keeping its context asks the server not to keep its own.
            let asked = client_keeps == 0 && client_bits < 15;
            let (kept, bits) = (server_keeps == 1 && !asked, client_bits.min(server_bits));
            let mut expected = "permessage-deflate".to_owned();
            if !kept {
                expected += "; server_no_context_takeover; client_no_context_takeover";
            }
            if bits < 15 {
                // Who does not name 8 bits may have zlib, which has no such window.
                let server = if server_bits == 8 { bits } else { bits.max(9) };
                let client = if client_bits == 8 { bits } else { bits.max(9) };
                expected += &format!("; server_max_window_bits={server}; client_max_window_bits={client}");
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
        // Quoted values, escapes in them, blanks and empty entries where the grammar has them.
        (
            "x;y=\"z\" , ,\tpermessage-deflate ;\tserver_max_window_bits = \"1\\0\" ;client_max_window_bits=\"9\",",
            Some(format!("{none}; server_max_window_bits=10; client_max_window_bits=9")),
        ),
        // The order counts over several headers, too; what comes behind the one that is taken is not looked at.
        (
            "permessage-deflate; server_max_window_bits=12; server_max_window_bits=12\r\n\
             sec-websocket-extensions: permessage-deflate; server_max_window_bits=11, permessage-deflate\r\n\
             Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10",
            Some(format!("{none}; server_max_window_bits=11")),
        ),
        ("permessage-deflate; server_no_context_takeover=1\r\nSec-WebSocket-Extensions: ", None),
        ("permessage-deflate; client_max_window_bits=\"\\8\"", Some(format!("{none}; client_max_window_bits=8"))),
        ("permessage-deflate; Server_Max_Window_Bits=10", None),
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
    for offer in ["permessage-deflate;", "permessage-deflate; =1", "a b", "\"x\"", "x; y=\"1,2\"", "x; y=\"1"] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        raw::patient(&stream);
        let header = format!("Sec-WebSocket-Extensions: {offer}\r\n");
        stream.write_all(raw::request(server.port(), &header).as_bytes()).unwrap();
        assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 400 "), "{offer}");
    }
}

#[test]
fn a_client_refuses_an_answer_without_meaning() {
    for answer in [
        "permessage-deflate; server_no_context_takeover; unknown",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=16",
        "permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover\r\nSec-WebSocket-Extensions: permessage-deflate",
        "permessage-deflate; server_no_context_takeover;",
        "permessage-deflate; server_no_context_takeover=\"\"",
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=7",
    ] {
        let peer = answering(answer, |_| Then::Keep);
        let fault = Client::new().connect(&peer.url()).unwrap_err();
        assert_eq!(fault.code, WSADDIN_HANDSHAKE, "{answer}");
        let answer = answer.replace("\r\nSec-WebSocket-Extensions:", ",");
        let expected = format!("the server's answer on extensions is not valid: {answer}");
        assert!(fault.text.ends_with(&expected), "{}", fault.text);
    }
}

#[test]
fn a_client_reads_an_answer_however_it_is_written() {
    for (answer, agreed) in [
        (
            "permessage-deflate;server_no_context_takeover ; server_max_window_bits=\"10\"",
            "permessage-deflate;server_no_context_takeover ; server_max_window_bits=\"10\"",
        ),
        // One of two headers says nothing.
        (
            "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
        ),
        ("", ""),
    ] {
        let peer = answering(answer, move |stream| {
            let first = if answer.is_empty() { FIN | TEXT } else { FIN | RSV1 | TEXT };
            let text = if answer.is_empty() {
                words(900).into_bytes()
            } else {
                Squeeze::new(9, 10).message(words(900).as_bytes())
            };
            let _ = stream.write_all(&raw::frame(first, false, &text));
            Then::Keep
        });
        let client = Client::new();
        client.connect(&peer.url()).unwrap();
        assert_eq!(client.extensions(), agreed);
        assert_eq!(client.event().json()["extensions"], agreed);
        assert_eq!(client.event().text(), words(900), "{answer}");
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
