//! A client in every state and after every kind of end, and the events that tell of it.

mod common {
    pub mod face;
    pub mod raw;
}

use common::face::*;
use common::raw::{self, BlackHole, FIN, Peer, Then};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// Status, ReadyState, CloseCode, CloseReason, Server.
fn state(client: &Client) -> (i64, i64, i64, String, String) {
    (client.status(), client.ready_state(), client.close_code(), client.close_reason(), client.server())
}

#[track_caller]
fn is(client: &Client, status: i64, ready: i64, code: i64, reason: &str, server: &str) {
    assert_eq!(state(client), (status, ready, code, reason.into(), server.into()));
}

/// What holds of every client that is not open.
#[track_caller]
fn cannot_send(client: &Client) {
    assert_eq!(code(client.send("x")), WSADDIN_NOT_CONNECTED);
    assert_eq!(code(client.ping(1000)), WSADDIN_NOT_CONNECTED);
    assert_eq!(code(client.request("{}", 1000)), WSADDIN_NOT_CONNECTED);
    assert_eq!((client.protocol(), client.extensions()), (String::new(), String::new()));
}

// ---- the states

#[test]
fn new() {
    let client = Client::new();
    is(&client, 0, 3, 0, "", "");
    assert_eq!((client.buffered_amount(), client.queued()), (0, 0));
    cannot_send(&client);
    let start = Instant::now();
    for timeout in [0, -1, 60_000] {
        assert_eq!(client.receive(timeout), Ok(Got::Closed), "at once, also without limit");
        assert_eq!(client.receive_event(timeout), Ok(Got::Closed));
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(client.disconnect(1000, ""), Ok(false));
    is(&client, 0, 3, 0, "", "");
}

#[test]
fn connecting() {
    let hole = BlackHole::new();
    let client = Client::new();
    client.begin_connect(&hole.url()).unwrap();
    is(&client, 0, 0, 0, "", "");
    cannot_send(&client);
    assert_eq!(code(client.connect(&hole.url())), WSADDIN_CONNECTING);
    assert_eq!(code(client.begin_connect(&hole.url())), WSADDIN_CONNECTING);
    assert_eq!(client.receive(-1), Ok(Got::Timeout), "it waits while connecting");
    assert_eq!(client.receive(20), Ok(Got::Timeout));
    assert_eq!(client.disconnect(1000, ""), Ok(false));
    is(&client, 0, 3, 0, "", "");
    assert_eq!(client.receive_event(0), Ok(Got::Closed), "neither open nor error");
}

#[test]
fn open() {
    let server = Server::running();
    let client = Client::new();
    let port = server.port();
    client.connect(&format!("ws://user:SECRET@127.0.0.1:{port}/chat?token=SECRET")).unwrap();
    is(&client, 1, 1, 0, "", &format!("ws://127.0.0.1:{port}/chat"));
    assert_eq!(client.receive(-1), Ok(Got::Timeout));
    assert!(client.ping(SOON).unwrap() >= 0);
    let event = server.event();
    assert_eq!(event.json()["query"], "token=SECRET", "the server gets what it was sent");
    assert_eq!(event.json()["headers"]["authorization"], "Basic dXNlcjpTRUNSRVQ=");
}

#[test]
fn closing() {
    let peer = Peer::frozen();
    let client = Client::new();
    client.close_timeout(400).connect(&peer.url()).unwrap();
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| client.disconnect(1000, ""));
        until("it closes", || client.ready_state() == 2);
        is(&client, 0, 2, 0, "", "");
        cannot_send(&client);
        assert_eq!(code(client.connect(&peer.url())), WSADDIN_CONNECTING);
        assert_eq!(client.receive(-1), Ok(Got::Timeout), "it waits while closing");
        assert_eq!(client.receive(0), Ok(Got::Closed), "until the end");
        assert_eq!(closing.join().unwrap(), Ok(false));
    });
    is(&client, 0, 3, 1006, "the close handshake was not finished within 400 ms", "");
}

// ---- the ends

#[test]
fn closed_by_us() {
    let server = Server::running();
    let client = Client::new();
    for (code, reason) in
        [(1000, ""), (1001, "ухожу"), (1014, "x"), (3000, "\0"), (4999, &*"ы".repeat(61)), (1000, &*"x".repeat(123))]
    {
        client.connect(&server.url()).unwrap();
        let connection = server.opened();
        client.send("before").unwrap();
        assert_eq!(client.disconnect(code, reason), Ok(true));
        is(&client, 0, 3, i64::from(code), "", "");
        assert_eq!(server.event().text(), "before", "what was queued goes first");
        let event = server.event();
        assert_eq!(event.connection, connection);
        assert_eq!(event.close(), (i64::from(code), reason.into(), true));
        assert_eq!(client.disconnect(1000, ""), Ok(false), "not connected any more");
        is(&client, 0, 3, i64::from(code), "", "");
        cannot_send(&client);
    }
}

#[test]
fn closed_by_the_peer() {
    let server = Server::running();
    let client = Client::new();
    for (code, reason) in [
        (1000, "до свидания"),
        (1001, ""),
        (1002, "x"),
        (1008, "правила"),
        (1011, ""),
        (1012, "x"),
        (1014, "x"),
        (3000, "x"),
        (4000, &*"ы".repeat(61)),
    ] {
        client.connect(&server.url()).unwrap();
        assert_eq!(client.event().event, WSADDIN_EVENT_OPEN);
        let connection = server.opened();
        assert!(server.send(connection, "before").unwrap());
        assert_eq!(server.disconnect(connection, code, reason), Ok(true));
        assert_eq!(server.connection_count(), 0, "it leaves at once");
        assert_eq!(server.connections(), "");
        assert_eq!(client.event().text(), "before");
        assert_eq!(client.event().close(), (i64::from(code), reason.into(), true));
        is(&client, 0, 3, i64::from(code), reason, "");
        assert_eq!(client.receive_event(0), Ok(Got::Closed));
        let event = server.event();
        assert_eq!((event.connection, event.close()), (connection, (i64::from(code), String::new(), true)));
        assert!(!server.disconnect(connection, 1000, "").unwrap());
    }
}

#[test]
fn closed_by_the_peer_without_a_code() {
    let peer = Peer::websocket(|stream| {
        stream.write_all(&raw::frame(FIN | raw::CLOSE, false, b"")).unwrap();
        assert_eq!(raw::read_close(stream), Some((1005, String::new())));
        Then::Close
    });
    let client = Client::new();
    client.connect(&peer.url()).unwrap();
    assert_eq!(client.receive(0), Ok(Got::Closed));
    is(&client, 0, 3, 1005, "", "");
}

#[test]
fn stopped() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    client.send("before the end").unwrap();
    until("it arrived", || server.queued() == 1);
    server.stop().unwrap();
    assert_eq!(client.receive(0), Ok(Got::Closed));
    is(&client, 0, 3, 1001, "", "");
    assert_eq!((server.server(), server.port(), server.connection_count()), (String::new(), 0, 0));
    assert_eq!(server.receive(0).unwrap().event().text(), "before the end", "what is queued is handed over");
    assert_eq!(server.receive(0), Ok(Got::Closed));
    server.stop().unwrap();
    server.run("127.0.0.1", 0).unwrap();
    client.connect(&server.url()).unwrap();
    assert_eq!(server.event().connection, 2, "numbers are not used again");
}

#[test]
fn broken() {
    for reset in [false, true] {
        let peer = Peer::websocket(move |stream| {
            stream.write_all(&raw::frame(FIN | raw::TEXT, false, b"last words")).unwrap();
            // Not before the client has read them: a reset discards what was not.
            raw::read_frame(stream).unwrap();
            if reset {
                socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO)).unwrap();
            }
            Then::Close
        });
        let client = Client::new();
        client.connect(&peer.url()).unwrap();
        assert_eq!(client.event().event, WSADDIN_EVENT_OPEN);
        assert_eq!(client.event().text(), "last words");
        client.send("read").unwrap();
        let (code, reason, clean) = client.event().close();
        assert_eq!((code, clean), (1006, false));
        assert!(!reason.is_empty());
        is(&client, -1, 3, 1006, &reason, "");
        assert_eq!(client.receive_event(0), Ok(Got::Closed), "a break adds no error");
        cannot_send(&client);
    }
}

#[test]
fn ended_by_the_keepalive() {
    let peer = Peer::frozen();
    let client = Client::new();
    client.ping_interval(50).pong_timeout(100).connect(&peer.url()).unwrap();
    assert_eq!(client.event().event, WSADDIN_EVENT_OPEN);
    let reason = "no answer to a ping within 100 ms";
    assert_eq!(client.event().close(), (1011, reason.into(), false));
    is(&client, -1, 3, 1011, reason, "");
}

#[test]
fn failed() {
    let peer = Peer::answering("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    let client = Client::new();
    assert_eq!(code(client.connect(&peer.url())), WSADDIN_HANDSHAKE);
    is(&client, -1, 3, 0, "", "");
    assert_eq!(client.receive(0), Ok(Got::Closed));
    cannot_send(&client);
    // What a failure left is gone with the next success, and the other way round.
    let server = Server::running();
    client.connect(&server.url()).unwrap();
    assert_eq!((client.status(), client.ready_state()), (1, 1));
    assert_eq!(client.disconnect(4000, ""), Ok(true));
    is(&client, 0, 3, 4000, "", "");
    assert_eq!(code(client.connect(&peer.url())), WSADDIN_HANDSHAKE);
    is(&client, -1, 3, 0, "", "");
}

// ---- events

#[test]
fn begin_connect_tells_open_or_error() {
    let server = Server::running();
    server.set_protocols("chat").unwrap();
    let client = Client::new();
    client.set_protocols("v2.chat, chat").unwrap();
    let url = format!("ws://user:SECRET@127.0.0.1:{}/path?SECRET", server.port());
    client.begin_connect(&url).unwrap();
    let event = client.event();
    assert_eq!((event.event, event.kind, event.connection), (WSADDIN_EVENT_OPEN, WSADDIN_KIND_TEXT, 0));
    let shown = format!("ws://127.0.0.1:{}/path", server.port());
    assert_eq!(event.json(), json!({"url": shown, "protocol": "chat", "extensions": "", "attempt": 1}));
    assert_eq!(keys(&event.json()), ["url", "protocol", "extensions", "attempt"]);
    is(&client, 1, 1, 0, "", &shown);
    assert_eq!(client.disconnect(1000, ""), Ok(true));
    assert_eq!(client.event().close(), (1000, String::new(), true));
    assert_eq!(client.receive_event(0), Ok(Got::Closed));

    let peer = Peer::answering("HTTP/1.1 404 Not Found\r\n\r\n");
    client.begin_connect(&peer.url()).unwrap();
    let event = client.event();
    assert_eq!((event.event, event.connection), (WSADDIN_EVENT_ERROR, 0));
    let text = format!("connecting to {}: the server answered HTTP 404 Not Found instead of 101", peer.address());
    assert_eq!(event.text(), text);
    is(&client, -1, 3, 0, "", "");
    assert_eq!(client.receive_event(0), Ok(Got::Closed), "one error, and neither open nor close");
}

#[test]
fn receive_discards_other_events() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    assert_eq!(server.send(server.opened(), "one"), Ok(true));
    assert_eq!(client.receive(0).unwrap().event().text(), "one");
    assert_eq!(server.disconnect(1, 1000, ""), Ok(true));
    until("it has ended", || client.ready_state() == 3);
    assert_eq!(client.event().event, WSADDIN_EVENT_CLOSE, "the open was discarded");
    client.connect(&server.url()).unwrap();
    assert_eq!(client.event().event, WSADDIN_EVENT_OPEN);
}

#[test]
fn a_connection_that_has_come_and_gone_unseen_leaves_nothing() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    assert_eq!(client.disconnect(1000, ""), Ok(true));
    assert_eq!(client.receive_event(0), Ok(Got::Closed));
    // With a message waiting both stay.
    client.connect(&server.url()).unwrap();
    until("both have come, one has gone", || server.connection_count() == 1);
    assert_eq!(server.send(2, "kept"), Ok(true));
    until("the message is there", || client.queued() == 1);
    assert_eq!(server.disconnect(2, 4001, ""), Ok(true));
    until("it has ended", || client.ready_state() == 3);
    let events: Vec<_> = (0..3).map(|_| client.event().event).collect();
    assert_eq!(events, [WSADDIN_EVENT_OPEN, WSADDIN_EVENT_MESSAGE, WSADDIN_EVENT_CLOSE]);
    assert_eq!(client.receive_event(0), Ok(Got::Closed));
}

#[test]
fn what_is_queued_is_handed_over_after_the_end_and_cleared_by_a_new_connect() {
    let server = Server::running();
    let client = Client::new();
    for round in 1..=2 {
        client.connect(&server.url()).unwrap();
        until("it is there", || server.connection_count() == 1);
        for number in 0..100 {
            assert_eq!(server.send(round, &number.to_string()), Ok(true));
        }
        assert_eq!(server.disconnect(round, 1011, "занят"), Ok(true));
        until("it has ended", || client.ready_state() == 3);
        is(&client, 0, 3, 1011, "занят", "");
        assert_eq!(client.queued(), 100);
        if round == 1 {
            for number in 0..100 {
                assert_eq!(client.receive(0).unwrap().event().text(), number.to_string());
            }
            assert_eq!(client.receive(0), Ok(Got::Closed));
        }
    }
    client.connect(&server.url()).unwrap();
    is(&client, 1, 1, 0, "", &server.url());
    assert_eq!((client.queued(), client.receive(-1)), (0, Ok(Got::Timeout)));
    assert_eq!(client.event().event, WSADDIN_EVENT_OPEN);
    assert_eq!(client.receive_event(-1), Ok(Got::Timeout), "nothing is left of the old connection");
    // A connect that fails clears, too.
    assert_eq!(server.send(3, "x"), Ok(true));
    until("it is there", || client.queued() == 1);
    server.stop().unwrap();
    until("it has ended", || client.ready_state() == 3);
    assert!(client.connect("ws://127.0.0.1:1/").is_err());
    assert_eq!((client.queued(), client.close_code(), client.receive(0)), (0, 0, Ok(Got::Closed)));
}

#[test]
fn of_two_concurrent_connects_exactly_one_proceeds() {
    let server = Server::running();
    for round in 1..=20 {
        let client = Client::new();
        let (barrier, won) = (Barrier::new(4), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for number in 0..4 {
                let (client, server, barrier, won) = (&client, &server, &barrier, &won);
                scope.spawn(move || {
                    let url = server.url();
                    barrier.wait();
                    let outcome = if number == 3 { client.begin_connect(&url) } else { client.connect(&url) };
                    match outcome {
                        Ok(()) => drop(won.fetch_add(1, Ordering::SeqCst)),
                        Err(fault) => {
                            let codes = [WSADDIN_CONNECTING, WSADDIN_ALREADY_CONNECTED];
                            assert!(codes.contains(&fault.code), "{fault:?}");
                        }
                    }
                });
            }
        });
        assert_eq!(won.load(Ordering::SeqCst), 1, "round {round}");
        until("it is open", || client.ready_state() == 1);
        assert_eq!(client.statistics()["connects"], 1);
        assert_eq!(client.disconnect(1000, ""), Ok(true));
    }
    assert_eq!(server.statistics()["connects"], 20);
}

#[test]
fn reconnecting_by_hand() {
    let server = Server::running();
    let client = Client::new();
    for round in 1..=50 {
        // As soon as the state allows it: what the old connection leaves must not reach the new one.
        client.connect(&server.url()).unwrap();
        assert_eq!(client.event().event, WSADDIN_EVENT_OPEN, "round {round}");
        client.send(&round.to_string()).unwrap();
        assert_eq!(server.receive(SOON).unwrap().event().text(), round.to_string());
        assert_eq!(server.send(round, "answer"), Ok(true));
        assert_eq!(client.receive(SOON).unwrap().event().text(), "answer", "round {round}");
        assert_eq!(server.disconnect(round, 1000, ""), Ok(true));
        while client.ready_state() != 3 {
            std::hint::spin_loop();
        }
    }
    let statistics = client.statistics();
    assert_eq!((&statistics["connects"], &statistics["connections"]), (&json!(50), &json!(0)));
    assert_eq!(statistics["closes"], json!({"1000": 50}));
}

#[test]
fn connecting_again_as_soon_as_an_attempt_has_failed() {
    let server = Server::running();
    let peer = Peer::answering("HTTP/1.1 503 \r\n\r\n");
    let client = Client::new();
    for round in 1..=50 {
        client.begin_connect(&peer.url()).unwrap();
        while client.ready_state() != 3 {
            std::hint::spin_loop();
        }
        client.connect(&server.url()).unwrap();
        // A queue that the old attempt had ended would say so at once.
        assert_eq!(client.event().event, WSADDIN_EVENT_OPEN, "round {round}");
        assert_eq!(client.receive(-1), Ok(Got::Timeout), "round {round}");
        assert_eq!(client.disconnect(1000, ""), Ok(true));
    }
}

#[test]
fn giving_up_in_the_moment_it_opens() {
    let server = Server::running();
    let client = Client::new();
    for round in 0..100 {
        client.begin_connect(&server.url()).unwrap();
        for _ in 0..round * 20 {
            std::hint::spin_loop();
        }
        client.disconnect(1000, "").unwrap();
        assert_eq!((client.status(), client.ready_state()), (0, 3), "round {round}");
        assert_eq!(client.receive_event(-1), Ok(Got::Closed), "round {round}: nobody saw it");
    }
    until("all have gone", || server.connection_count() == 0);
}

// ---- the handshake

#[test]
fn headers_are_set_replaced_and_removed() {
    let server = Server::running();
    let client = Client::new();
    client.set_header("X-Token", "one").unwrap();
    client.set_header("X-Gone", "1").unwrap();
    client.set_header("x-token", "два").unwrap();
    client.set_header("X-GONE", "").unwrap();
    client.set_header("X-Never", "").unwrap();
    client.set_header("User-Agent", "test").unwrap();
    let refused = [
        ("Host", "x"),
        ("Upgrade", "x"),
        ("Connection", "x"),
        ("Sec-WebSocket-Key", "x"),
        ("sec-websocket-version", "13"),
        ("Sec-WebSocket-Protocol", "x"),
        ("Sec-WebSocket-Extensions", "x"),
        ("", "x"),
        ("X Y", "x"),
        ("X:Y", "x"),
        ("X\r\nY", "x"),
        ("X", "a\r\nb"),
        ("X", "a\nb"),
        ("X", "a\0b"),
    ];
    for (name, value) in refused {
        assert_eq!(code(client.set_header(name, value)), WSADDIN_BAD_ARGUMENT, "{name:?}: {value:?}");
    }
    client.connect(&server.url()).unwrap();
    let headers = server.event().json()["headers"].clone();
    assert_eq!((&headers["x-token"], &headers["user-agent"]), (&json!("два"), &json!("test")));
    assert!(headers.get("x-gone").is_none() && headers.get("x-never").is_none() && headers.get("x").is_none());
    assert_eq!(headers["host"], format!("127.0.0.1:{}", server.port()));
}

#[test]
fn subprotocols_are_negotiated() {
    let server = Server::running();
    server.set_protocols("a, b").unwrap();
    let client = Client::new();
    for (offered, selected) in [("", ""), ("b", "b"), ("b, a", "a"), ("x,b ,y", "b")] {
        client.set_protocols(offered).unwrap();
        client.connect(&server.url()).unwrap();
        assert_eq!(client.protocol(), selected, "{offered}");
        let event = server.event();
        assert_eq!(event.json()["protocol"], selected, "the server's preference decides");
        assert_eq!(client.disconnect(1000, ""), Ok(true));
        assert_eq!(client.protocol(), "");
        server.event().close();
    }
    for offered in ["x", "A"] {
        client.set_protocols(offered).unwrap();
        assert_eq!(code(client.connect(&server.url())), WSADDIN_HANDSHAKE, "{offered}: names are compared exactly");
    }
    for bad in ["a b", "a, a", "a;b", "я"] {
        assert_eq!(code(client.set_protocols(bad)), WSADDIN_BAD_ARGUMENT, "{bad}");
        assert_eq!(code(server.set_protocols(bad)), WSADDIN_BAD_ARGUMENT, "{bad}");
    }
}

#[test]
fn a_server_that_is_full() {
    let server = Server::running();
    server.max_connections(1);
    let (first, second) = (Client::new(), Client::new());
    first.connect(&server.url()).unwrap();
    let fault = second.connect(&server.url()).unwrap_err();
    assert_eq!(fault.code, WSADDIN_HANDSHAKE);
    assert!(fault.text.contains("HTTP 503"), "{}", fault.text);
    assert_eq!(server.statistics()["rejected"], json!({"503": 1}));
    assert_eq!(first.disconnect(1000, ""), Ok(true));
    until("there is room", || server.connection_count() == 0);
    second.connect(&server.url()).unwrap();
}

#[test]
fn what_is_no_websocket_request_is_told_so() {
    let server = Server::running();
    let port = server.port();
    let good = raw::request(port, "");
    for (request, status) in [
        (good.replace("Upgrade: websocket\r\n", ""), "426"),
        (good.replace("Connection: Upgrade\r\n", ""), "400"),
        (good.replace("Version: 13", "Version: 8"), "426"),
        (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), "400"),
        (good.replace("GET ", "POST "), "405"),
        (good.replace("HTTP/1.1", "HTTP/1.0"), "505"),
        (good.replace("Host", "X-Host"), "400"),
        ("garbage\r\n\r\n".into(), "400"),
        (good.replace("\r\n\r\n", &format!("\r\nX: {}\r\n\r\n", "x".repeat(20_000))), "431"),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        raw::patient(&stream);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
    assert_eq!(server.statistics()["connects"], 0);
    assert_eq!(server.receive_event(-1), Ok(Got::Timeout), "no event tells of them");
}

// ---- JSON

const STATISTICS: [&str; 17] = [
    "messages_in",
    "messages_out",
    "bytes_in",
    "bytes_out",
    "queued_in",
    "queued_in_bytes",
    "queued_out_bytes",
    "pings",
    "round_trip_ms",
    "connects",
    "reconnects",
    "rejected",
    "closes",
    "connections",
    "sessions_waiting",
    "warnings",
    "started_at",
];

const CONNECTION_INFO: [&str; 20] = [
    "id",
    "name",
    "groups",
    "address",
    "path",
    "query",
    "headers",
    "protocol",
    "extensions",
    "secure",
    "state",
    "connected_at",
    "messages_in",
    "messages_out",
    "bytes_in",
    "bytes_out",
    "queued_in",
    "queued_out",
    "queued_out_bytes",
    "round_trip_ms",
];

/// ISO 8601, UTC, with milliseconds.
fn is_time(value: &serde_json::Value) -> bool {
    let shape: String = value.as_str().unwrap().chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

#[test]
fn statistics_and_connection_info() {
    let server = Server::running();
    let client = Client::new();
    let idle = client.statistics();
    assert_eq!(keys(&idle), STATISTICS);
    assert_eq!(keys(&server.statistics()), STATISTICS);
    assert!(is_time(&idle["started_at"]) && is_time(&server.statistics()["started_at"]));
    assert!(idle["round_trip_ms"].is_null());
    client.set_header("X-Twice", "a, b").unwrap();
    client.connect(&format!("ws://127.0.0.1:{}/a%20path?q=1&q=2", server.port())).unwrap();
    let event = server.event();
    assert_eq!(keys(&event.json()), CONNECTION_INFO);
    client.send("жук").unwrap();
    client.send_binary(&[0; 10]).unwrap();
    assert_eq!(server.send(1, "answer"), Ok(true));
    assert_eq!(client.receive(SOON).unwrap().event().text(), "answer");
    until("both are there", || server.queued() == 2);
    assert!(client.ping(SOON).unwrap() >= 0 && server.ping(1, SOON).unwrap() >= 0);
    let info = server.connection_info(1).unwrap().unwrap();
    assert_eq!(keys(&info), CONNECTION_INFO);
    let address = info["address"].as_str().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    assert_eq!(server.connections(), format!("1: {address}"));
    assert!(is_time(&info["connected_at"]) && info["round_trip_ms"].is_u64());
    assert_eq!(info["headers"]["x-twice"], "a, b");
    let expected = json!({
        "id": 1, "name": "", "groups": [], "path": "/a%20path", "query": "q=1&q=2", "protocol": "", "extensions": "",
        "secure": false, "state": "open", "messages_in": 2, "messages_out": 1, "bytes_in": 16, "bytes_out": 6,
        "queued_in": 2, "queued_out": 0, "queued_out_bytes": 0,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&info[key], value, "{key}");
    }
    let list = server.connection_list();
    let without: Vec<_> = CONNECTION_INFO.into_iter().filter(|key| *key != "headers").collect();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(keys(&list[0]), without);
    for (statistics, expected) in [
        (
            server.statistics(),
            json!({"messages_in": 2, "messages_out": 1, "bytes_in": 16, "bytes_out": 6, "queued_in": 2,
                "queued_in_bytes": 16, "queued_out_bytes": 0, "pings": 1, "connects": 1, "reconnects": 0, "rejected": {},
                "closes": {}, "connections": 1, "sessions_waiting": 0, "warnings": []}),
        ),
        (
            client.statistics(),
            json!({"messages_in": 1, "messages_out": 2, "bytes_in": 6, "bytes_out": 16, "queued_in": 0,
                "queued_in_bytes": 0, "queued_out_bytes": 0, "pings": 1, "connects": 1, "reconnects": 0, "rejected": {},
                "closes": {}, "connections": 1, "sessions_waiting": 0, "warnings": []}),
        ),
    ] {
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&statistics[key], value, "{key}");
        }
        assert!(statistics["round_trip_ms"].is_u64());
    }
    // What an ended connection has counted stays counted.
    assert_eq!(client.disconnect(4001, ""), Ok(true));
    until("it has gone", || server.connection_count() == 0);
    until("both have booked it", || server.statistics()["closes"] == json!({"4001": 1}));
    let (ours, theirs) = (client.statistics(), server.statistics());
    assert_eq!(ours["closes"], json!({"4001": 1}));
    assert_eq!((&ours["messages_out"], &theirs["messages_in"]), (&json!(2), &json!(2)));
    assert_eq!((&ours["connections"], &theirs["connections"]), (&json!(0), &json!(0)));
    assert_eq!((server.connection_info(1), server.connection_list()), (Ok(None), json!([])));
    assert_eq!(code(server.connection_info(2)), WSADDIN_BAD_ARGUMENT, "it was never issued");
}
