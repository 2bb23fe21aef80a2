//! A client whose connection is lost comes back: when, how, and with what.

#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;

use face::{Client, Got, SOON, code};
use raw::{CLOSE, FIN, Peer, TEXT, Then, close_body, frame, read_frame};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

fn text(stream: &mut std::net::TcpStream) -> Option<String> {
    loop {
        match read_frame(stream)? {
            (first, payload) if first == FIN | TEXT => return Some(String::from_utf8(payload).unwrap()),
            (first, _) if first & 15 == CLOSE => return None,
            _ => {}
        }
    }
}

/// The number of the attempt that opened it.
fn opened(client: &Client) -> i64 {
    client.expect(WSADDIN_EVENT_OPEN).json()["attempt"].as_i64().unwrap()
}

#[test]
fn which_closes_are_followed_by_another_connection() {
    let codes = [
        (1000, false),
        (1001, true),
        (1002, false),
        (1003, false),
        (1007, false),
        (1008, false),
        (1009, false),
        (1010, false),
        (1011, true),
        (1012, true),
        (1013, true),
        (1014, true),
        (3000, true),
        (3999, true),
        (4000, false),
        (4999, false),
    ];
    for (close, followed) in codes {
        let peer = Peer::websocket(move |stream| {
            let _ = stream.write_all(&frame(FIN | CLOSE, false, &close_body(close, "bye")));
            let _ = read_frame(stream);
            Then::Close
        });
        let client = Client::new();
        client.reconnect_interval(1);
        client.begin_connect(&peer.url()).unwrap();
        assert_eq!(opened(&client), 1);
        assert_eq!(client.event().close(), (i64::from(close), "bye".to_owned(), true));
        if followed {
            assert_eq!(opened(&client), 1, "{close}");
            assert_eq!(client.event().close().0, i64::from(close));
            assert!(client.statistics()["reconnects"].as_i64().unwrap() >= 1);
        } else {
            assert_eq!(client.receive_event(SOON).unwrap(), Got::Closed, "{close}");
            assert_eq!((client.status(), client.ready_state()), (0, 3), "{close}");
            assert_eq!(client.statistics()["reconnects"], 0);
        }
    }
}

#[test]
fn the_hello_comes_first_and_what_waits_follows_in_order() {
    let (told, heard) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let count = AtomicUsize::new(0);
    let peer = Peer::websocket(move |stream| {
        let told = told.lock().unwrap().clone();
        let connection = count.fetch_add(1, SeqCst);
        while let Some(text) = text(stream) {
            let last = text == "last";
            told.send((connection, text)).unwrap();
            if last {
                return Then::Close;
            }
        }
        Then::Close
    });
    let client = Client::new();
    client.reconnect_interval(300);
    client.set_hello_message("id:1").unwrap();
    client.connect(&peer.url()).unwrap();
    assert_eq!(opened(&client), 1);
    let next = || heard.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(next(), (0, "id:1".to_owned()));
    client.send("last").unwrap();
    assert_eq!(next(), (0, "last".to_owned()));
    assert_eq!(client.event().close().0, 1006);
    assert_eq!((client.status(), client.ready_state()), (-1, 0));
    client.set_hello_message("id:2").unwrap();
    for at in 0..10 {
        client.send(&format!("while away {at}")).unwrap();
    }
    assert!(client.buffered_amount() > 0);
    assert_eq!(code(client.ping(100)), WSADDIN_NOT_CONNECTED);
    assert_eq!(code(client.request("{}", 100)), WSADDIN_NOT_CONNECTED);
    assert_eq!(code(client.connect(&peer.url())), WSADDIN_CONNECTING);
    assert_eq!(code(client.begin_connect(&peer.url())), WSADDIN_CONNECTING);
    assert_eq!(next(), (1, "id:2".to_owned()));
    for at in 0..10 {
        assert_eq!(next(), (1, format!("while away {at}")));
    }
    assert_eq!(opened(&client), 1);
    assert_eq!((client.status(), client.ready_state()), (1, 1));
    let statistics = client.statistics();
    assert_eq!((&statistics["connects"], &statistics["reconnects"]), (&2.into(), &1.into()));
}

#[test]
fn a_first_connection_that_is_only_begun_is_tried_until_it_works() {
    let refusals = Arc::new(AtomicUsize::new(3));
    let left = refusals.clone();
    let peer = Peer::new(move |stream| {
        let head = raw::read_head(stream);
        assert!(head.contains("X-Key: value"), "{head}");
        if left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
            return Then::Close;
        }
        let _ = stream.write_all(raw::accept(&head, "Sec-WebSocket-Protocol: chat\r\n").as_bytes());
        assert_eq!(text(stream).as_deref(), Some("queued"));
        Then::Keep
    });
    let client = Client::new();
    client.reconnect_interval(20);
    client.set_header("X-Key", "value").unwrap();
    client.set_protocols("chat").unwrap();
    assert_eq!(code(client.connect(&peer.url())), WSADDIN_HANDSHAKE, "a blocking connect is tried once");
    assert_eq!((client.status(), client.ready_state()), (-1, 3));
    assert_eq!(client.receive_event(-1).unwrap(), Got::Closed, "and adds no event");
    client.begin_connect(&peer.url()).unwrap();
    let failed = client.event();
    assert_eq!(failed.event, WSADDIN_EVENT_ERROR);
    assert!(failed.text().contains("HTTP 401"), "{}", failed.text());
    client.send("queued").unwrap();
    assert_eq!(client.event().event, WSADDIN_EVENT_ERROR);
    assert_eq!(opened(&client), 3);
    assert_eq!(client.protocol(), "chat");
    assert_eq!(client.statistics()["reconnects"], 0);
    assert!(client.disconnect(1000, "").is_ok());
    assert_eq!((client.status(), client.ready_state()), (0, 3));
}

#[test]
fn disconnect_ends_the_tries_at_once_in_every_state() {
    let hole = raw::BlackHole::new();
    let silent = Peer::new(|_| Then::Keep);
    let refused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("ws://{}/", listener.local_addr().unwrap())
    };
    // Dialling, shaking hands, waiting.
    for (url, interval, timeout) in [(hole.url(), 1, 500), (silent.url(), 1, 500), (refused, 600_000, 500)] {
        for end in [true, false] {
            let client = Client::new();
            client.reconnect_interval(interval).connect_timeout(timeout);
            client.begin_connect(&url).unwrap();
            assert_eq!(client.event().event, WSADDIN_EVENT_ERROR);
            assert_eq!((client.status(), client.ready_state()), (-1, 0));
            client.connect_timeout(600_000).send("discarded").unwrap();
            let began = Instant::now();
            if end {
                assert!(!client.disconnect(1000, "").unwrap());
                assert_eq!((client.status(), client.ready_state(), client.buffered_amount()), (0, 3, 0));
                assert_eq!(client.receive_event(SOON).unwrap(), Got::Closed);
                assert_eq!(code(client.send("x")), WSADDIN_NOT_CONNECTED);
            } else {
                client.free().unwrap();
            }
            assert!(began.elapsed() < Duration::from_secs(5), "{url}: {:?}", began.elapsed());
        }
    }
}
