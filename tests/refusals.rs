//! What a client tells of an answer that is no 101: status, headers, body, and an error's text without secrets.

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;

use face::*;
use raw::{Peer, Then};
use serde_json::json;
use std::io::Write;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// A refusal with these lines of headers and this body.
fn refusal(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status}\r\n{headers}\r\n").as_bytes(), body].concat()
}

/// The error's text behind the address, from a client that was refused with `code`.
fn refused(client: &Client, peer: &Peer, path: &str) -> String {
    let fault = client.connect(&format!("ws://{}{path}", peer.address())).unwrap_err();
    assert_eq!((fault.code, client.error_code()), (WSADDIN_HANDSHAKE, WSADDIN_HANDSHAKE), "{}", fault.text);
    let start = format!("connecting to {}: the server answered HTTP ", peer.address());
    fault.text.strip_prefix(&start).unwrap_or_else(|| panic!("{}", fault.text)).to_owned()
}

#[test]
fn our_own_server_says_why() {
    let server = Server::running();
    server.manual_accept(1);
    let client = Client::new();
    client.begin_connect(&format!("{}room/7?access_token=SECRET", server.url())).unwrap();
    let newcomer = server.expect(WSADDIN_EVENT_PENDING).connection;
    server.reject(newcomer, 418, "мест нет").unwrap();
    let text = client.expect(WSADDIN_EVENT_ERROR).text().to_owned();
    assert!(text.ends_with("the server answered HTTP 418 instead of 101 for /room/7 (мест нет)"), "{text}");
    assert_eq!((client.handshake_status(), client.response_body()), (418, "мест нет".into()));
    assert_eq!(client.response_headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(client.error_code(), WSADDIN_HANDSHAKE);
    // The next attempt knows nothing of it.
    server.manual_accept(0);
    client.connect(&server.url()).unwrap();
    assert_eq!((client.handshake_status(), client.response_body()), (101, String::new()));
    assert_eq!(client.response_headers()["upgrade"], "websocket");
    assert_eq!(client.error_code(), WSADDIN_HANDSHAKE, "success leaves it");
    client.disconnect(1000, "").unwrap();
    assert_eq!(client.handshake_status(), 101);
    server.stop().unwrap();
    let url = format!("ws://127.0.0.1:{}/", raw::Peer::answering("").address().port());
    client.connect(&url).unwrap_err();
    assert_eq!((client.handshake_status(), client.response_headers()), (0, json!(null)));
}

#[test]
fn headers_are_json() {
    let headers = "X-One: a\r\nSet-Cookie: a=1, 2\r\nx-ONE: b\r\nSet-Cookie: b\r\nContent-Length: 0\r\n";
    let peer = Peer::answering(refusal("401 Unauthorized", headers, b""));
    let client = Client::new();
    assert_eq!(refused(&client, &peer, "/"), "401 Unauthorized instead of 101 for /");
    let expected = json!({"x-one": "a, b", "set-cookie": ["a=1, 2", "b"], "content-length": "0"});
    assert_eq!(client.response_headers(), expected);
}

#[test]
fn a_body_comes_in_every_framing() {
    let chunked = "5;x=y\r\nlimit\r\n9\r\n exceeded\r\n0\r\nX: y\r\n\r\n";
    for (headers, body) in [
        ("Content-Length: 14\r\n", "limit exceeded and no more"),
        ("Transfer-Encoding: chunked\r\n", chunked),
        ("", "limit exceeded"),
        // Cut, or gone wrong behind it: what has come counts.
        ("Content-Length: 1000\r\n", "limit exceeded"),
        ("Transfer-Encoding: chunked\r\n", "E\r\nlimit exceeded\r\nzzz\r\n"),
    ] {
        for step in [usize::MAX, 1] {
            let answer = refusal("429 Too Many Requests", headers, body.as_bytes());
            let peer = Peer::new(move |stream| {
                raw::read_head(stream);
                for piece in answer.chunks(step.min(answer.len())) {
                    let _ = stream.write_all(piece);
                }
                Then::Close
            });
            let client = Client::new();
            let text = refused(&client, &peer, "/");
            assert_eq!(text, "429 Too Many Requests instead of 101 for / (limit exceeded)", "{headers}{body}");
            assert_eq!(client.response_body(), "limit exceeded");
        }
    }
}

#[test]
fn sixteen_kib_are_kept_and_no_half_character() {
    let long = "я".repeat(100_000);
    for headers in ["", "Content-Length: 200000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let body = if headers.starts_with('T') { format!("30D40\r\n{long}\r\n0\r\n\r\n") } else { long.clone() };
        let peer = Peer::answering(refusal("500 Oops", headers, body.as_bytes()));
        let client = Client::new();
        let text = refused(&client, &peer, "/");
        assert_eq!(client.response_body(), "я".repeat(8 * 1024), "{headers}");
        assert_eq!(text, format!("500 Oops instead of 101 for / ({}…)", "я".repeat(200)));
    }
}

#[test]
fn the_charset_counts() {
    for (kind, body) in [
        ("text/plain; charset=windows-1251", &b"\xcd\xe5\xf2"[..]),
        ("text/plain;charset=\"KOI8-R\"", b"\xee\xc5\xd4"),
        ("application/json", "Нет".as_bytes()),
        ("", "Нет".as_bytes()),
    ] {
        let headers = format!("Content-Type: {kind}\r\n");
        let client = Client::new();
        let text = refused(&client, &Peer::answering(refusal("403 No", &headers, body)), "/");
        assert_eq!(
            (client.response_body().as_str(), text.as_str()),
            ("Нет", "403 No instead of 101 for / (Нет)"),
            "{kind}"
        );
    }
    let compressed = refusal("403 No", "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08");
    let client = Client::new();
    assert_eq!(refused(&client, &Peer::answering(compressed), "/"), "403 No instead of 101 for /");
    assert_eq!(client.response_body(), "");
}

#[test]
fn a_page_is_told_by_its_title() {
    let page = "<html><head><TITLE>Нет\r\n доступа</title></head><body><h1>403</h1></body></html>";
    let client = Client::new();
    let peer = Peer::answering(refusal("403 Forbidden", "Content-Type: text/html\r\n", page.as_bytes()));
    assert_eq!(refused(&client, &peer, "/"), "403 Forbidden instead of 101 for / (Нет доступа)");
    assert_eq!(client.response_body(), page);
    let peer = Peer::answering(refusal("403 Forbidden", "Content-Type: text/html\r\n", b"a mere text"));
    assert_eq!(refused(&client, &peer, "/"), "403 Forbidden instead of 101 for / (a mere text)");
    let nginx = "<html><head><title>403 Forbidden</title></head></html>";
    let peer = Peer::answering(refusal("403 Forbidden", "Content-Type: text/html\r\n", nginx.as_bytes()));
    assert_eq!(refused(&client, &peer, "/"), "403 Forbidden instead of 101 for /");
}

#[test]
fn a_text_is_one_line_without_what_was_confided() {
    let client = Client::new();
    client.set_header("Authorization", "Bearer t0psecret").unwrap();
    client.set_header("Cookie", "sid=c00kie; a=b").unwrap();
    client.set_protocols("chat, access_token.pr0tosecret").unwrap();
    let body = "line\r\none\u{1b}[31m\u{202e}\u{0}  Bearer t0psecret c00kie pr0tosecret qu%65ry query";
    let peer = Peer::answering(refusal("403 t0psecret", "", body.as_bytes()));
    let text = refused(&client, &peer, "/a%20b?api_key=qu%65ry");
    assert_eq!(text, "403 *** instead of 101 for /a%20b (line one [31m *** *** *** *** ***)");
    assert_eq!(client.response_body(), body, "the host itself gets it as it came");
    let client = Client::new();
    let fault = client.connect(&format!("ws://user:passw0rd@{}/", peer.address())).unwrap_err();
    assert!(!fault.text.contains("passw0rd"), "{}", fault.text);
    let echo = Peer::answering(refusal("403 No", "", b"who is user with passw0rd (dXNlcjpwYXNzdzByZA==)?"));
    let fault = client.connect(&format!("ws://user:passw0rd@{}/", echo.address())).unwrap_err();
    assert!(fault.text.ends_with("403 No instead of 101 for / (who is user with *** (***)?)"), "{}", fault.text);
}

/// A server that never ends its body costs the caller two seconds at most, and no other connection anything.
#[test]
fn a_body_without_end_is_waited_for_no_longer_than_two_seconds() {
    let endless = Peer::new(|stream| {
        raw::read_head(stream);
        let _ = stream.write_all(b"HTTP/1.1 403 No\r\n\r\nwait");
        Then::Keep
    });
    let server = Server::running();
    let beside = Client::new();
    beside.connect(&server.url()).unwrap();
    let client = Client::new();
    client.connect_timeout(0);
    let start = Instant::now();
    client.begin_connect(&endless.url()).unwrap();
    for _ in 0..5 {
        assert!(beside.ping(SOON).unwrap() < 1_000);
    }
    assert_eq!(client.ready_state(), 0, "it waits for the rest of the body");
    let text = client.expect(WSADDIN_EVENT_ERROR).text().to_owned();
    assert!(text.ends_with("403 No instead of 101 for / (wait)"), "{text}");
    assert!(start.elapsed() >= Duration::from_millis(1_900));
    // ConnectTimeout ends it earlier.
    client.connect_timeout(300);
    let start = Instant::now();
    assert_eq!(refused(&client, &endless, "/"), "403 No instead of 101 for / (wait)");
    assert!(start.elapsed() < Duration::from_millis(1_900), "{:?}", start.elapsed());
}

#[test]
fn the_last_failure_has_its_number() {
    let (client, server) = (Client::new(), Server::new());
    assert_eq!((client.error_code(), server.error_code()), (0, 0));
    client.send("x").unwrap_err();
    assert_eq!(client.error_code(), WSADDIN_NOT_CONNECTED);
    client.disconnect(999, "").unwrap_err();
    assert_eq!(client.error_code(), WSADDIN_BAD_ARGUMENT);
    client.disconnect(1000, "").unwrap();
    assert_eq!(client.error_code(), WSADDIN_BAD_ARGUMENT);
    let other = std::thread::spawn({
        let handle = client.0;
        move || unsafe { wsaddin_client_send_text(handle, std::ptr::null(), 0) }
    });
    assert_eq!(other.join().unwrap(), client.error_code());
    server.run("nowhere", 0).unwrap_err();
    assert_eq!(server.error_code(), WSADDIN_ADDRESS);
    assert_eq!(client.error_code(), WSADDIN_NOT_CONNECTED, "each object has its own");
}
