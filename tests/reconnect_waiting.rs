//! While a client waits to come back: what its calls do, and what ends the wait.

#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;

use face::{Client, Got, SOON, Server, check, code, wait_any};
use std::ffi::c_void;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

const FAR: i64 = 600_000;

fn until(what: &str, mut met: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !met() {
        assert!(Instant::now() < deadline, "it did not come: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A client that has lost its connection and waits for a long time, and a server that it would find.
fn waiting() -> (Client, Server) {
    let server = Server::running();
    let client = Client::new();
    client.reconnect_interval(FAR);
    client.connect(&server.url()).unwrap();
    assert_eq!(client.event().event, WSADDIN_EVENT_OPEN);
    let connection = server.opened();
    assert!(server.disconnect(connection, 1012, "").unwrap());
    assert_eq!(client.event().close().0, 1012);
    assert_eq!(server.event().close().0, 1012);
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (-1, 0, 1012));
    (client, server)
}

#[test]
fn the_send_queue_is_bounded_and_its_messages_survive_refusals() {
    let (client, server) = waiting();
    client.send_queue_bytes(5_000).send_timeout(-1);
    let mut sent = 0;
    let full = loop {
        match client.send(&format!("{sent:0100}")) {
            Ok(()) => sent += 1,
            Err(fault) => break fault,
        }
    };
    assert_eq!(full.code, WSADDIN_QUEUE_FULL);
    assert!((40..50).contains(&sent), "{sent}");
    client.send_timeout(150);
    let start = Instant::now();
    assert_eq!(code(client.send(&"y".repeat(100))), WSADDIN_QUEUE_FULL);
    assert!(start.elapsed() >= Duration::from_millis(140), "it waits up to SendTimeout");
    // One that waits without limit gets its room when the connection is back.
    client.send_timeout(0);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| client.send("the last"));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!sender.is_finished());
        client.reconnect_interval(1);
        assert_eq!(sender.join().unwrap(), Ok(()));
    });
    for number in 0..sent {
        assert_eq!(server.receive(SOON).unwrap().event().text(), format!("{number:0100}"));
    }
    assert_eq!(server.receive(SOON).unwrap().event().text(), "the last");
}

#[test]
fn a_receive_waits_through_the_gap() {
    let (client, server) = waiting();
    assert_eq!(client.receive(50).unwrap(), Got::Timeout);
    assert_eq!(client.receive(-1).unwrap(), Got::Timeout);
    assert_eq!(wait_any(&[client.0.id], 50).unwrap(), None);
    std::thread::scope(|scope| {
        let receiver = scope.spawn(|| client.receive(SOON));
        client.reconnect_interval(1);
        let connection = server.opened();
        assert!(server.send(connection, "after the gap").unwrap());
        assert_eq!(receiver.join().unwrap().unwrap().event().text(), "after the gap");
    });
}

#[test]
fn a_shorter_interval_cuts_the_wait_and_a_longer_one_does_not_stretch_it() {
    let (client, server) = waiting();
    client.reconnect_interval(1);
    client.reconnect_interval(FAR);
    let event = client.event();
    assert_eq!(event.event, WSADDIN_EVENT_OPEN);
    assert_eq!(event.json()["attempt"], 1);
    assert_eq!(server.connection_count(), 1);
}

#[test]
fn switching_it_off_gives_the_wait_up() {
    let (client, _server) = waiting();
    client.send("dropped").unwrap();
    std::thread::scope(|scope| {
        let receiver = scope.spawn(|| client.receive(0));
        until("it waits", || client.buffered_amount() == 7);
        client.reconnect_interval(0);
        assert_eq!(receiver.join().unwrap().unwrap(), Got::Closed);
    });
    assert_eq!((client.status(), client.ready_state(), client.buffered_amount()), (-1, 3, 0));
    assert_eq!(code(client.send("x")), WSADDIN_NOT_CONNECTED);
    assert!(!client.disconnect(1000, "").unwrap());
}

#[test]
fn what_ends_the_wait_wakes_every_call_at_once() {
    for free in [false, true] {
        let (client, _server) = waiting();
        client.send_queue_bytes(1).send_timeout(0).send("x").unwrap();
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| client.send("has no room"));
            let receiver = scope.spawn(|| client.receive(0));
            let watcher = scope.spawn(|| wait_any(&[client.0.id], 0));
            std::thread::sleep(Duration::from_millis(100));
            let start = Instant::now();
            if free {
                client.free().unwrap();
            } else {
                assert!(!client.disconnect(1000, "").unwrap());
            }
            assert_eq!(code(sender.join().unwrap()), WSADDIN_CANCELLED);
            match receiver.join().unwrap() {
                Ok(got) => assert_eq!((got, free), (Got::Closed, false)),
                Err(fault) => assert_eq!((fault.code, free), (WSADDIN_CANCELLED, true)),
            }
            assert_eq!(watcher.join().unwrap().unwrap(), Some(0));
            assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        });
        if !free {
            assert_eq!((client.status(), client.ready_state()), (0, 3));
        }
    }
}

#[test]
fn a_request_ends_with_its_connection_and_the_pong_with_it() {
    let peer = raw::Peer::websocket(|stream| {
        raw::read_frame(stream);
        raw::Then::Close
    });
    let client = Client::new();
    client.reconnect_interval(FAR);
    for call in [true, false] {
        client.connect(&peer.url()).unwrap();
        let fault = if call { client.request("{}", SOON).unwrap_err() } else { client.ping(SOON).unwrap_err() };
        assert_eq!((fault.code, fault.text.as_str()), (WSADDIN_NOT_CONNECTED, "the connection was closed meanwhile"));
        assert_eq!((client.status(), client.ready_state()), (-1, 0));
        client.disconnect(1000, "").unwrap();
    }
}

#[test]
fn a_disconnect_wins_over_an_attempt_that_fails_or_succeeds_at_the_same_moment() {
    let server = Server::running();
    let refused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("ws://{}/", listener.local_addr().unwrap())
    };
    let served = server.url();
    for round in 0..300_u64 {
        let client = Client::new();
        client.reconnect_interval(1);
        // Every other one finds a server.
        client.begin_connect(if round % 2 == 0 { &refused } else { &served }).unwrap();
        let until = Instant::now() + Duration::from_micros(round * 37 % 3000);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        client.disconnect(1000, "").unwrap();
        assert_eq!((client.status(), client.ready_state()), (0, 3), "round {round}");
        assert_eq!(code(client.send("x")), WSADDIN_NOT_CONNECTED);
    }
}

static EVENTS: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// Queues a message at the first failed attempt, and gives up at the third.
unsafe extern "C" fn give_up(message: *const wsaddin_message, client: *mut c_void) {
    // SAFETY: the message is lent for this call; the test lent the handle.
    let (event, client) = unsafe { (wsaddin_message_event(message), *client.cast::<wsaddin_client>()) };
    let mut events = EVENTS.lock().unwrap();
    events.push(event);
    let failures = events.iter().filter(|event| **event == WSADDIN_EVENT_ERROR).count();
    // SAFETY: live texts, and a place for the outcome.
    unsafe {
        if event == WSADDIN_EVENT_ERROR && failures == 1 {
            assert_eq!(wsaddin_client_send_text(client, c"queued".as_ptr().cast(), 6), WSADDIN_OK);
        }
        if failures == 3 {
            let mut clean = 7;
            let result = wsaddin_client_disconnect(client, 1000, std::ptr::null(), 0, &raw mut clean);
            assert_eq!((result, clean), (WSADDIN_OK, 0));
        }
    }
}

#[test]
fn a_handler_sees_each_attempt_and_may_end_them() {
    let refused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("ws://{}/", listener.local_addr().unwrap())
    };
    let client = Client::new();
    client.reconnect_interval(1);
    let mut handle = wsaddin_client { id: client.0.id };
    // SAFETY: the handle outlives the handler, which is taken away below.
    check(unsafe { wsaddin_client_set_handler(client.0, Some(give_up), (&raw mut handle).cast()) }).unwrap();
    client.begin_connect(&refused).unwrap();
    assert_eq!(code(client.receive(SOON)), WSADDIN_HANDLER_SET);
    until("it gave up", || client.ready_state() == 3);
    std::thread::sleep(Duration::from_millis(50));
    // SAFETY: no handler.
    check(unsafe { wsaddin_client_set_handler(client.0, None, std::ptr::null_mut()) }).unwrap();
    assert_eq!(*EVENTS.lock().unwrap(), [WSADDIN_EVENT_ERROR; 3]);
    assert_eq!((client.status(), client.buffered_amount()), (0, 0));
}
