//! Whatever ends a connection: what the peer had sent arrives, and the next connection begins clean.

#[path = "common/flow/mod.rs"]
mod flow;

use flow::*;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

#[test]
fn what_was_sent_before_a_reset_arrives() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Client::new();
    client.set(wsaddin_client_set_receive_queue_messages, 2).set(wsaddin_client_set_send_timeout, -1);
    std::thread::scope(|scope| {
        let peer = scope.spawn(|| Raw::accept(&listener));
        client.connect(port).unwrap();
        let mut peer = peer.join().unwrap();
        // Both directions are stuck: we do not take, the peer does not read.
        (0..3).for_each(|number| peer.binary(&numbered(number, 8)));
        until("reading is paused", SOON, || client.ping(100) == Err(QUEUE_FULL));
        // Less than a window: what the peer's kernel still held at its end would be lost with it.
        (3..10).for_each(|number| peer.binary(&numbered(number, 4000)));
        peer.close(4005);
        until("all of it is in the client's kernel", SOON, || peer.unacknowledged() == 0);
        while client.send(&[0; 65_536]).is_ok() {}
        // Closed with bytes unread: the kernel sends a reset.
        drop(peer);
        until("the reset has come", SOON, || {
            client.get(wsaddin_client_get_buffered_amount) > 0 && client.send(&[0; 65_536]) == Err(QUEUE_FULL)
        });
        for number in 0..10 {
            assert_eq!(client.receive(LONG).unwrap().number(), number);
        }
        assert_eq!(client.receive(LONG).err(), Some(CLOSED));
        assert_eq!((client.close_code(), client.status()), (4005, 0), "{}", client.close_reason());
    });
}

#[test]
fn a_close_begun_by_the_peer_is_seen_before_it_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Client::new();
    client.set(wsaddin_client_set_send_timeout, -1).set(wsaddin_client_set_close_timeout, 30_000);
    std::thread::scope(|scope| {
        let peer = scope.spawn(|| Raw::accept(&listener));
        client.connect(port).unwrap();
        let mut peer = peer.join().unwrap();
        // Our answer to the close does not get through.
        while client.send(&[0; 65_536]).is_ok() {}
        peer.close(4005);
        until("the close has come", SOON, || client.ready_state() == 2);
        assert_eq!(client.status(), 0);
        assert_eq!(client.send(b"too late"), Err(WSADDIN_NOT_CONNECTED));
        assert_eq!(client.connect(port), Err(WSADDIN_CONNECTING), "not ALREADY_CONNECTED");
        drop(peer);
        until("it is closed", SOON, || client.ready_state() == 3);
        assert_eq!((client.close_code(), client.status()), (4005, 0));
    });
}

#[test]
fn a_send_that_waits_for_room_is_told_of_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Client::new();
    // Full is what stays full: the kernel takes a lot.
    client.set(wsaddin_client_set_send_timeout, 300).set(wsaddin_client_set_send_queue_bytes, 100_000);
    std::thread::scope(|scope| {
        let peer = scope.spawn(|| Raw::accept(&listener));
        client.connect(port).unwrap();
        let peer = peer.join().unwrap();
        while client.send(&[0; 65_536]).is_ok() {}
        client.set(wsaddin_client_set_send_timeout, 0);
        let sender = scope.spawn(|| client.send(&[0; 65_536]).map_err(|code| (code, error_text())));
        std::thread::sleep(Duration::from_millis(50));
        drop(peer);
        let told = sender.join().unwrap();
        assert_eq!(told, Err((WSADDIN_NOT_CONNECTED, "the connection was closed meanwhile".to_owned())));
    });
}

#[test]
fn an_end_does_not_reach_into_the_next_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    const ROUNDS: u64 = 2000;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..ROUNDS {
                let mut first = Raw::accept(&listener);
                first.close(1000);
                let mut second = Raw::accept(&listener);
                second.binary(&numbered(number, 8));
                second.close(1001);
                assert_eq!(second.read_close(), 1001);
            }
        });
        let client = Client::new();
        for number in 0..ROUNDS {
            client.connect(port).unwrap();
            // The moment it is seen closed the next begins.
            let deadline = Instant::now() + SOON;
            while client.ready_state() != 3 {
                assert!(Instant::now() < deadline);
            }
            client.connect(port).unwrap();
            assert_eq!(client.receive_event(LONG).unwrap().kind(), OPEN, "round {number}");
            assert_eq!(client.receive(LONG).unwrap().number(), number);
            assert_eq!(client.receive(LONG).err(), Some(CLOSED));
            assert_eq!(client.close_code(), 1001);
        }
    });
}

#[test]
fn a_full_server_is_freed_at_once() {
    let server = Server::new();
    server.set(wsaddin_server_set_receive_queue_messages, 4);
    server.run("127.0.0.1").unwrap();
    let client = Client::to(server.port());
    (0..10).for_each(|number| client.send(&numbered(number, 8)).unwrap());
    until("reading is paused", SOON, || server.ping(1, 2000) == Err(QUEUE_FULL));
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    until("the client has ended", SOON, || client.ready_state() == 3);
    assert_eq!((client.close_code(), client.status()), (1001, 0));
}

#[test]
fn closes_cross_in_every_order() {
    let server = Server::running();
    let port = server.port();
    for round in 0..100 {
        let client = Client::to(port);
        let id = server.next(OPEN, LONG).connection();
        client.send(&numbered(round, 8)).unwrap();
        let codes = [1000, 1001, 3000];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let code = codes[usize::try_from(round % 3).unwrap()];
                // SAFETY: no reason, size 0.
                let result = unsafe { wsaddin_server_disconnect(server.0, id, code, std::ptr::null(), 0) };
                assert!([0, CLOSED].contains(&result), "{result}");
            });
            scope.spawn(|| client.disconnect());
        });
        until("it is closed", SOON, || client.ready_state() == 3);
        assert_eq!(client.status(), 0);
        assert_eq!(server.receive(LONG).unwrap().number(), round);
        let close = server.next(CLOSE, LONG);
        assert_eq!((close.connection(), &close.json()["clean"]), (id, &true.into()));
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn half_closed_sockets_are_noticed_behind_the_last_bytes() {
    let server = Server::running();
    for number in 0..50 {
        let mut peer = Raw::client(server.port(), None);
        let id = server.next(OPEN, LONG).connection();
        peer.binary(&numbered(number, 100));
        peer.socket.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(server.receive(LONG).unwrap().number(), number);
        let close = server.next(CLOSE, LONG);
        assert_eq!((close.connection(), close.json()["code"].as_i64()), (id, Some(1006)));
    }
}
