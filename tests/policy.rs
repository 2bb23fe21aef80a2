//! Whom a server lets in: the answers on the wire, and what is told of them.

mod common {
    pub mod face;
    pub mod raw;
}

use common::face::*;
use common::raw;
use std::io::{Read, Write};
use std::net::TcpStream;

/// The whole answer to a request; of one that opens the connection, its head.
fn answer(port: u16, request: &str) -> String {
    ask(port, request).0
}

/// The same, and the connection: the host need not hear of one that has come and gone.
fn ask(port: u16, request: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    raw::patient(&stream);
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = raw::read_head(&mut stream);
    if !head.starts_with("HTTP/1.1 101 ") {
        stream.read_to_string(&mut head).unwrap();
    }
    (head, stream)
}

/// The status that the server answers with when these header lines are added, and `target` is asked for.
fn status(server: &Server, target: &str, more: &str) -> u16 {
    enter(server, target, more).0
}

fn enter(server: &Server, target: &str, more: &str) -> (u16, TcpStream) {
    let request = raw::request(server.port(), more).replacen("GET / ", &format!("GET {target} "), 1);
    let (answer, stream) = ask(server.port(), &request);
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    if status != 101 {
        // A proper answer: a short text of the length that it says.
        assert_eq!(raw::header(head, "Content-Length"), Some(body.len().to_string().as_str()), "{answer}");
        assert_eq!(raw::header(head, "Content-Type"), Some("text/plain; charset=utf-8"), "{answer}");
        assert_eq!(raw::header(head, "Connection"), Some("close"), "{answer}");
        assert!((1..100).contains(&body.len()), "{answer}");
    }
    (status, stream)
}

fn rejected(server: &Server, reason: &str) -> u64 {
    server.statistics()["rejected"][reason].as_u64().unwrap_or(0)
}

#[test]
fn what_is_no_websocket_handshake_gets_a_proper_answer() {
    let server = Server::running();
    let port = server.port();
    let plain = answer(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(plain.starts_with("HTTP/1.1 426 "), "{plain}");
    assert_eq!(raw::header(&plain, "Upgrade"), Some("websocket"));
    assert_eq!(raw::header(&plain, "Connection"), Some("close, Upgrade"));
    assert!(plain.ends_with("\r\n\r\nThis is a WebSocket server"), "{plain}");
    let old = answer(port, &raw::request(port, "").replace("Version: 13", "Version: 8"));
    assert!(old.starts_with("HTTP/1.1 426 "), "{old}");
    assert_eq!(raw::header(&old, "Sec-WebSocket-Version"), Some("13"));
    let bad = answer(port, &raw::request(port, "").replace("dGhlIHNhbXBsZSBub25jZQ==", "short"));
    assert!(bad.starts_with("HTTP/1.1 400 "), "{bad}");
    assert_eq!((rejected(&server, "426"), rejected(&server, "400")), (2, 1));
}

#[test]
fn the_token_is_taken_in_three_places_and_shown_in_none() {
    let server = Server::running();
    server.set_protocols("chat, access_token.s+cret").unwrap();
    server.set_access_token("s+cret").unwrap();
    for (target, more) in [
        ("/", ""),
        ("/", "Authorization: Bearer s+cre\r\n"),
        ("/", "Authorization: Bearer s+crets\r\n"),
        ("/", "Authorization: Basic s+cret\r\n"),
        ("/?access_token=", ""),
        ("/?access_token=other", ""),
        ("/?token=s+cret", ""),
        ("/", "Sec-WebSocket-Protocol: chat, access_token.\r\n"),
        ("/", "Sec-WebSocket-Protocol: s+cret\r\n"),
        ("/?access_token=***", ""),
    ] {
        assert_eq!(status(&server, target, more), 401, "{target} {more}");
    }
    assert_eq!((rejected(&server, "401"), server.connection_count()), (10, 0));
    let challenge = answer(server.port(), &raw::request(server.port(), ""));
    assert_eq!(raw::header(&challenge, "WWW-Authenticate"), Some("Bearer"));

    for (target, more, query) in [
        ("/a%20b", "Authorization: Bearer s+cret\r\nX-Other: 1\r\nX-Other: 2\r\n", ""),
        ("/a%20b", "authorization: bearer  s+cret\r\nX-Other: 1\r\nX-Other: 2\r\n", ""),
        ("/a%20b?x=1&access_token=s%2Bcret&y=s", "X-Other: 1\r\nX-Other: 2\r\n", "x=1&access_token=***&y=s"),
        ("/a%20b?access_token=s+cret", "X-Other: 1\r\nX-Other: 2\r\n", "access_token=***"),
    ] {
        let (status, stream) = enter(&server, target, more);
        assert_eq!(status, 101, "{target} {more}");
        let event = server.expect(websocket_addin::capi::WSADDIN_EVENT_OPEN);
        let shown = event.text();
        assert!(!shown.contains("cret"), "{shown}");
        let info: serde_json::Value = serde_json::from_str(shown).unwrap();
        assert_eq!((&info["path"], &info["query"]), (&"/a%20b".into(), &query.into()));
        assert_eq!(info["headers"]["x-other"], "1, 2");
        assert_eq!(info["headers"]["sec-websocket-version"], "13");
        drop(stream);
        assert_eq!(server.event().event, websocket_addin::capi::WSADDIN_EVENT_CLOSE);
    }
    // As a browser does it; the entry that carries the token is never selected.
    let offer = "Sec-WebSocket-Protocol: access_token.s+cret, chat\r\n";
    let (taken, _stream) = ask(server.port(), &raw::request(server.port(), offer));
    assert_eq!(raw::header(&taken, "Sec-WebSocket-Protocol"), Some("chat"), "{taken}");
    let event = server.event();
    assert!(event.text().contains("access_token.***") && !event.text().contains("cret"), "{event:?}");
    assert!(!server.statistics().to_string().contains("cret"));
    // It acts at once.
    server.set_access_token("").unwrap();
    assert_eq!(status(&server, "/", ""), 101);
}

#[test]
fn only_allowed_origins_come_in() {
    let server = Server::running();
    assert_eq!(status(&server, "/", "Origin: http://anywhere\r\n"), 101);
    server.set_allowed_origins("https://a.example, https://*.b.example:8443, null").unwrap();
    for (origin, expected) in [
        ("https://a.example", 101),
        ("https://x.b.example:8443", 101),
        ("null", 101),
        ("https://b.example:8443", 403),
        ("http://a.example", 403),
        ("https://a.example.evil", 403),
        ("https://evil, https://a.example", 403),
        ("", 403),
    ] {
        assert_eq!(status(&server, "/", &format!("Origin: {origin}\r\n")), expected, "{origin}");
    }
    assert_eq!(status(&server, "/", "Origin: https://a.example\r\nOrigin: https://evil\r\n"), 403);
    assert_eq!(status(&server, "/", ""), 101, "a program sends no Origin");
    assert!(server.set_allowed_origins("https://a.example/path").is_err());
    assert_eq!(rejected(&server, "403"), 6);
    // Who has no token learns nothing of origins.
    server.set_access_token("x").unwrap();
    assert_eq!(status(&server, "/", "Origin: https://evil\r\n"), 401);
}

#[test]
fn the_connections_of_all_and_of_one_address_are_limited() {
    let server = Server::running();
    server.max_connections(3).max_connections_per_address(2);
    let port = server.port();
    let first = raw::client(port);
    let _second = raw::client(port);
    assert_eq!(status(&server, "/", ""), 503);
    let info = (server.opened(), server.opened());
    // The id leaves at once, and with it the place.
    assert!(server.disconnect(info.0, 1000, "").unwrap());
    let _third = raw::client(port);
    drop(first);
    assert_eq!(status(&server, "/", ""), 503);
    server.max_connections_per_address(0);
    let _fourth = raw::client(port);
    assert_eq!(status(&server, "/", ""), 503);
    server.max_connections(4);
    assert_eq!(status(&server, "/", ""), 101);
    assert_eq!(rejected(&server, "503"), 3);
    // A new run counts anew.
    server.max_connections(10_000).max_connections_per_address(2);
    server.stop().unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let _kept = (raw::client(server.port()), raw::client(server.port()));
    assert_eq!(status(&server, "/", ""), 503);
}
