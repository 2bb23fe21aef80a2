//! Newcomers that wait for the host's word.

mod common {
    pub mod face;
    pub mod raw;
}

use common::face::*;
use common::raw;
use std::io::Read;
use std::net::TcpStream;
use websocket_addin::capi::*;

fn asking() -> Server {
    let server = Server::running();
    server.manual_accept(1);
    server
}

/// A newcomer that has sent its request.
fn knock(server: &Server) -> TcpStream {
    raw::knock(server.port(), "/way?x=%20y", "X-Who: me\r\n")
}

fn whole(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_accepted_one_opens_with_the_id_that_it_had() {
    let server = asking();
    let mut stream = knock(&server);
    let pending = server.expect(WSADDIN_EVENT_PENDING);
    let (id, info) = (pending.connection, pending.json());
    assert_eq!((&info["path"], &info["query"], &info["state"]), (&"/way".into(), &"x=%20y".into(), &"pending".into()));
    assert_eq!(info["headers"]["x-who"], "me");
    assert_eq!(info["address"], stream.local_addr().unwrap().to_string());
    assert_eq!(server.connection_info(id).unwrap().unwrap()["state"], "pending");
    assert_eq!((server.connection_count(), server.connections().as_str()), (0, ""));
    assert!(!server.send(id, "too early").unwrap());
    assert!(server.accept(id).unwrap());
    assert!(!server.accept(id).unwrap(), "decided");
    assert_eq!(server.expect(WSADDIN_EVENT_OPEN).connection, id);
    assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 101 "));
    assert!(server.send(id, "welcome").unwrap());
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(&frame[2..], b"welcome");
    drop(stream);
    assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).connection, id);
    assert!(!server.accept(id).unwrap(), "gone");
    assert!(server.accept(id + 1).is_err(), "never issued");
}

#[test]
fn a_rejected_one_reads_why() {
    let server = asking();
    let stream = knock(&server);
    let id = server.expect(WSADDIN_EVENT_PENDING).connection;
    for status in [399, 600, 101, -1] {
        assert!(server.reject(id, status, "").is_err(), "{status}");
    }
    assert!(server.reject(id, 418, "не сегодня").unwrap());
    assert!(!server.reject(id, 403, "").unwrap());
    let answer = whole(stream);
    assert!(answer.starts_with("HTTP/1.1 418 ") && answer.ends_with("\r\n\r\nне сегодня"), "{answer}");
    let stream = knock(&server);
    let id = server.expect(WSADDIN_EVENT_PENDING).connection;
    assert!(server.reject(id, 403, "").unwrap());
    assert!(whole(stream).ends_with("\r\n\r\nForbidden"));
    assert_eq!(server.statistics()["rejected"], serde_json::json!({"403": 1, "418": 1}));
    assert!(matches!(server.receive_event(-1), Ok(Got::Timeout)));
}

#[test]
fn nobody_waits_longer_than_the_time_for_it() {
    let server = asking();
    server.accept_timeout(50);
    let stream = knock(&server);
    let id = server.expect(WSADDIN_EVENT_PENDING).connection;
    let answer = whole(stream);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let ended = server.expect(WSADDIN_EVENT_CLOSE);
    assert_eq!((ended.connection, ended.close().0), (id, 1006));
    assert!(!server.accept(id).unwrap());
    assert_eq!(server.statistics()["rejected"]["503"], 1);
}

#[test]
fn one_that_leaves_is_told_of_only_to_a_host_that_knew_it() {
    let server = asking();
    let stream = knock(&server);
    let id = server.expect(WSADDIN_EVENT_PENDING).connection;
    drop(stream);
    assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).connection, id);
    assert!(!server.accept(id).unwrap());
    assert!(!server.reject(id, 403, "").unwrap());
    // Nobody has seen this one.
    drop(knock(&server));
    until("it has left", || server.statistics()["rejected"]["handshake"] == 2);
    assert!(matches!(server.receive_event(-1), Ok(Got::Timeout)));
}

#[test]
fn pending_ones_count_in_the_limit_and_in_nothing_else() {
    let server = asking();
    server.max_connections(2);
    let waiting = (knock(&server), knock(&server));
    let first = server.expect(WSADDIN_EVENT_PENDING).connection;
    let second = server.expect(WSADDIN_EVENT_PENDING).connection;
    assert!(whole(knock(&server)).starts_with("HTTP/1.1 503 "));
    assert_eq!(server.connection_list(), serde_json::json!([]));
    let mut count = 7;
    // SAFETY: a text and a place.
    let result = unsafe { wsaddin_server_broadcast_text(server.0, b"x".as_ptr().cast(), 1, &raw mut count) };
    assert_eq!((result, count), (WSADDIN_OK, 0));
    assert!(server.reject(first, 403, "").unwrap());
    assert!(whole(waiting.0).starts_with("HTTP/1.1 403 "));
    // Its place is free; the order in which they are let in is the host's.
    let _third = knock(&server);
    let third = server.expect(WSADDIN_EVENT_PENDING).connection;
    assert!(server.accept(third).unwrap());
    assert_eq!(server.expect(WSADDIN_EVENT_OPEN).connection, third);
    assert!(server.accept(second).unwrap());
    assert_eq!(server.expect(WSADDIN_EVENT_OPEN).connection, second);
    assert_eq!(server.connection_count(), 2);
}

#[test]
fn a_stop_refuses_whoever_waits() {
    let server = asking();
    let stream = knock(&server);
    let id = server.expect(WSADDIN_EVENT_PENDING).connection;
    let answer = std::thread::spawn(move || whole(stream));
    server.stop().unwrap();
    assert!(answer.join().unwrap().starts_with("HTTP/1.1 503 "));
    assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).connection, id);
}
