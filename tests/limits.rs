//! What one connection may take of a server, and what the host does to one.

mod common {
    pub mod face;
    pub mod raw;
}

use common::face::*;
use common::raw;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

fn came(server: &Server) -> (Client, u64) {
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    client.expect(WSADDIN_EVENT_OPEN);
    (client, server.opened())
}

/// The answer to a handshake for this path.
fn answer(server: &Server, path: &str) -> String {
    let request = raw::request(server.port(), "").replacen("GET / ", &format!("GET {path} "), 1);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&stream);
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = raw::read_head(&mut stream);
    if !head.starts_with("HTTP/1.1 101 ") {
        stream.read_to_string(&mut head).unwrap();
    }
    head
}

#[test]
fn only_the_paths_that_are_served_are_answered() {
    let server = Server::running();
    server.set_paths("/chat, /api/*").unwrap();
    for (path, status) in [
        ("/chat", 101),
        ("/chat?a=b", 101),
        ("/api/v1", 101),
        ("/", 404),
        ("/api", 404),
        ("/api/", 404),
        ("/chat/x", 404),
    ] {
        let answer = answer(&server, path);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
    }
    assert_eq!(server.statistics()["rejected"]["404"], 4);
    assert!(server.set_paths("chat").is_err());
    // Who has no token learns nothing of paths.
    server.set_access_token("secret").unwrap();
    assert!(answer(&server, "/").starts_with("HTTP/1.1 401 "));
    server.set_access_token("").unwrap();
    server.set_paths("").unwrap();
    assert!(answer(&server, "/anything").starts_with("HTTP/1.1 101 "));
}

#[test]
fn every_answer_has_the_hosts_headers() {
    let server = Server::running();
    server.set_response_header("X-Server", "first").unwrap();
    server.set_response_header("x-server", "second").unwrap();
    server.set_response_header("Set-Cookie", "a=b").unwrap();
    server.set_paths("/chat").unwrap();
    for path in ["/chat", "/"] {
        let answer = answer(&server, path);
        assert_eq!(raw::header(&answer, "X-Server"), Some("second"), "{answer}");
        assert_eq!(raw::header(&answer, "Set-Cookie"), Some("a=b"), "{answer}");
        assert!(!answer.contains("first"), "{answer}");
    }
    server.set_response_header("X-SERVER", "").unwrap();
    assert_eq!(raw::header(&answer(&server, "/"), "X-Server"), None);
    for (name, value) in [
        ("Upgrade", "x"),
        ("sec-websocket-accept", "x"),
        ("Content-Type", "x"),
        ("a b", "x"),
        ("X", "a\r\nY: b"),
        ("", ""),
    ] {
        assert_eq!(code(server.set_response_header(name, value)), WSADDIN_BAD_ARGUMENT, "{name}");
    }
}

#[test]
fn an_aborted_connection_is_gone_at_once() {
    let server = Server::running();
    let (client, id) = came(&server);
    assert!(server.abort(id).unwrap());
    assert!(!server.abort(id).unwrap() && !server.send(id, "x").unwrap());
    assert_eq!((server.connection_count(), server.connection_info(id).unwrap()), (0, None));
    let (code, _, clean) = server.event().close();
    assert_eq!((code, clean), (1006, false));
    assert_eq!(client.event().close().0, 1006);
    assert_eq!(self::code(server.abort(id + 1)), WSADDIN_BAD_ARGUMENT);
}

/// While it is paused nothing of it comes, longer than any keepalive takes; then everything does.
#[test]
fn a_paused_connection_waits_and_lives() {
    let server = Server::running();
    let (client, id) = came(&server);
    let (other, _) = came(&server);
    client.ping_interval(20).pong_timeout(20);
    server.ping_interval(20).pong_timeout(20);
    assert!(server.pause(id, true).unwrap());
    // Once this is answered, the I/O thread has done what came before it.
    assert!(server.ping(id + 1, SOON).is_ok());
    client.send("held").unwrap();
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(300) {
        other.send("through").unwrap();
        let event = server.receive(SOON).unwrap().event();
        assert_eq!((event.connection, event.text()), (id + 1, "through"));
    }
    assert!(server.pause(id, false).unwrap());
    let event = server.receive(SOON).unwrap().event();
    assert_eq!((event.connection, event.text()), (id, "held"));
    // A close gets through a pause.
    assert!(server.pause(id, true).unwrap());
    assert!(server.disconnect(id, 4000, "enough").unwrap());
    until("it closes", || client.close_code() == 4000);
    assert!(!server.pause(id, true).unwrap());
}

#[test]
fn who_has_nothing_to_say_is_closed() {
    let server = Server::running();
    server.idle_timeout(400).ping_interval(50);
    let (talker, _) = came(&server);
    let (silent, id) = came(&server);
    let since = Instant::now();
    let closed = loop {
        talker.send("still here").unwrap();
        if let Got::Event(event) = server.receive_event(50).unwrap()
            && event.event == WSADDIN_EVENT_CLOSE
        {
            break event;
        }
    };
    assert!(since.elapsed() >= Duration::from_millis(350), "not before its time");
    assert_eq!((closed.connection, closed.close().0), (id, 1001));
    let (code, reason, _) = silent.event().close();
    assert!(code == 1001 && reason.contains("400 ms"), "{code} {reason}");
    // It acts at once, in both directions.
    server.idle_timeout(0);
    talker.send("last").unwrap();
    while !matches!(server.receive_event(SOON).unwrap(), Got::Event(event) if event.data == b"last") {}
    server.idle_timeout(100);
    assert_eq!(talker.event().close().0, 1001);
}

/// Twice a second's messages at once, then as many as the time gives.
#[test]
fn a_fast_peer_is_slowed_down() {
    const RATE: i64 = 50;
    let server = Server::running();
    server.messages_per_second(RATE);
    // From before it opens: the server counts from when it has begun to read.
    let since = Instant::now();
    let mut stream = raw::client(server.port());
    let id = server.opened();
    // In one piece, and some in fragments with a ping between.
    let mut wire = Vec::new();
    for number in 0..3 * RATE {
        let text = format!("{number}");
        let (first, second) = text.split_at(1);
        wire.extend(raw::frame(0x01, true, first.as_bytes()));
        wire.extend(raw::frame(0x89, true, b"ping"));
        wire.extend(raw::frame(0x80, true, second.as_bytes()));
    }
    stream.write_all(&wire).unwrap();
    for number in 0..3 * RATE {
        let event = server.receive(SOON).unwrap().event();
        assert_eq!((event.connection, event.text()), (id, number.to_string().as_str()));
        let due = (number + 1 - 2 * RATE).max(0) as f64 / RATE as f64;
        assert!(since.elapsed().as_secs_f64() >= due, "message {number} came too early");
    }
    assert!(since.elapsed() >= Duration::from_secs(1));
    // Without the limit the rest comes at once.
    stream.write_all(&wire).unwrap();
    until("some has come", || server.queued() > 0);
    server.messages_per_second(0);
    for number in 0..3 * RATE {
        assert_eq!(server.receive(SOON).unwrap().event().text(), number.to_string());
    }
    stream.shutdown(Shutdown::Both).unwrap();
}

/// However much one sends, no more of it is ever in front of what the others say than its part of the queue.
#[test]
fn a_flood_delays_the_others_by_its_part_of_the_queue() {
    const OTHERS: usize = 99;
    const PART: i64 = 16;
    let server = Server::running();
    server.connection_queue_messages(PART);
    let flood = raw::client(server.port());
    let flooder = server.opened();
    let clients: Vec<(Client, u64)> = (0..OTHERS).map(|_| came(&server)).collect();
    let writing = flood.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut writing = writing;
            let wire: Vec<u8> = (0..1000).flat_map(|_| raw::frame(0x82, true, b"flood")).collect();
            while writing.write_all(&wire).is_ok() {}
        });
        until("its part is full", || server.queued() == PART);
        for round in 0..3 {
            for (client, _) in &clients {
                client.send(&format!("{round}")).unwrap();
            }
            let mut answered = 0;
            while answered < OTHERS {
                assert!(server.queued() <= PART + OTHERS as i64, "the flood takes more than its part");
                let event = server.receive(SOON).unwrap().event();
                // What the host does takes its time.
                std::thread::sleep(Duration::from_millis(1));
                if event.connection != flooder {
                    assert_eq!(event.text(), round.to_string());
                    assert!(server.send(event.connection, "answer").unwrap());
                    answered += 1;
                }
            }
            for (client, _) in &clients {
                assert_eq!(client.receive(SOON).unwrap().event().text(), "answer");
            }
        }
        flood.shutdown(Shutdown::Both).unwrap();
    });
}

/// Once for each time that a send found no room, and not before half of it is free.
#[test]
fn the_host_is_told_when_a_full_queue_has_drained() {
    let server = Server::running();
    server.send_queue_bytes(1 << 20);
    let mut stream = raw::client(server.port());
    let id = server.opened();
    let data = vec![7; 64 * 1024];
    for round in 0..3 {
        let mut sent = 0;
        loop {
            match server.send_binary(id, &data) {
                Ok(true) => sent += 1,
                Ok(false) => panic!("it is open"),
                Err(fault) => {
                    assert_eq!(fault.code, WSADDIN_QUEUE_FULL);
                    // The kernel, whose buffers grow, may take half of it yet: that is one time.
                    match server.receive_event(300).unwrap() {
                        Got::Timeout => break,
                        drained => assert_eq!(drained.event().event, WSADDIN_EVENT_DRAINED),
                    }
                }
            }
        }
        // A second time tells nothing more; the kernel may have taken one meanwhile.
        match server.send_binary(id, &data) {
            Ok(_) => sent += 1,
            Err(fault) => assert_eq!(fault.code, WSADDIN_QUEUE_FULL),
        }
        assert_eq!(server.receive_event(-1).unwrap(), Got::Timeout, "{round}");
        for _ in 0..sent {
            let (_, payload) = raw::read_frame(&mut stream).unwrap();
            assert_eq!(payload.len(), data.len());
        }
        let event = server.expect(WSADDIN_EVENT_DRAINED);
        assert_eq!((event.connection, event.text()), (id, ""));
        assert_eq!(server.receive_event(-1).unwrap(), Got::Timeout);
        assert!(server.connection_info(id).unwrap().unwrap()["queued_out_bytes"].as_u64().unwrap() < 512 * 1024);
    }
}

/// The end of the client itself: nothing is waited for, nothing follows.
#[test]
fn a_client_that_aborts_is_closed_at_once() {
    let server = Server::running();
    let client = Client::new();
    // Not connected: nothing happens.
    client.abort().unwrap();
    client.reconnect_interval(10);
    client.connect(&server.url()).unwrap();
    client.expect(WSADDIN_EVENT_OPEN);
    let id = server.opened();
    client.abort().unwrap();
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (0, 3, 1006));
    let (code, _, clean) = client.event().close();
    assert_eq!((code, clean), (1006, false));
    assert_eq!(client.receive_event(SOON).unwrap(), Got::Closed, "it does not come back");
    let end = server.event();
    assert_eq!((end.connection, end.close().0), (id, 1006));
    // An attempt that nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    client.begin_connect(&format!("ws://{}/", silent.local_addr().unwrap())).unwrap();
    client.abort().unwrap();
    assert_eq!((client.status(), client.ready_state()), (0, 3));
    client.connect(&server.url()).unwrap();
}
