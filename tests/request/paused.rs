//! Calls that wait for a message end when no message can come, because the receive queue is full.

use super::*;
use std::net::TcpListener;

fn connected(prepare: impl Fn(&Client)) -> (Client, Raw) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Its connections inherit it: on no system they hold more than the tests send.
    socket2::SockRef::from(&listener).set_recv_buffer_size(128 * 1024).unwrap();
    let client = Client::new();
    prepare(&client);
    let port = listener.local_addr().unwrap().port();
    let peer = std::thread::scope(|scope| {
        let peer = scope.spawn(|| Raw::accept(&listener));
        client.connect(port).unwrap();
        peer.join().unwrap()
    });
    (client, peer)
}

fn flood(peer: &mut Raw, count: u64) {
    let frames: Vec<u8> = (0..count).flat_map(|number| peer.frame(0x82, &numbered(number, 8))).collect();
    std::io::Write::write_all(&mut peer.socket, &frames).unwrap();
}

#[test]
fn a_request_without_limit_ends_when_reading_pauses() {
    let (client, mut peer) = connected(|client| {
        client.set(wsaddin_client_set_receive_queue_messages, 2);
    });
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| (client.request("{}", 0, "id", "").err(), error_text()));
        peer.read();
        let start = Instant::now();
        flood(&mut peer, 10);
        let (code, text) = asks.join().unwrap();
        assert_eq!(code, Some(QUEUE_FULL), "{text}");
        assert!(text.contains("receive queue"), "{text}");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    });
    for number in 0..10 {
        assert_eq!(client.receive(LONG).unwrap().number(), number, "nothing is lost");
    }
}

#[test]
fn a_reply_that_has_come_before_is_returned() {
    for _ in 0..20 {
        let (client, mut peer) = connected(|client| {
            client.set(wsaddin_client_set_receive_queue_messages, 2);
        });
        std::thread::scope(|scope| {
            let asks = scope.spawn(|| client.request("{\"id\":1}", 0, "id", "").unwrap());
            peer.read();
            let mut frames = peer.frame(0x82, &numbered(0, 8));
            frames.extend(peer.frame(0x81, b"{\"id\":1,\"ok\":true}"));
            (1..10).for_each(|number| frames.extend(peer.frame(0x82, &numbered(number, 8))));
            std::io::Write::write_all(&mut peer.socket, &frames).unwrap();
            assert_eq!(asks.join().unwrap().text(), "{\"id\":1,\"ok\":true}");
        });
        for number in 0..10 {
            assert_eq!(client.receive(LONG).unwrap().number(), number);
        }
    }
}

#[test]
fn a_ping_without_limit_ends_when_reading_pauses() {
    let (client, mut peer) = connected(|client| {
        client.set(wsaddin_client_set_receive_queue_messages, 2);
    });
    std::thread::scope(|scope| {
        let pings = scope.spawn(|| client.ping(0));
        assert_eq!(peer.read().0, 0x89);
        flood(&mut peer, 10);
        assert_eq!(pings.join().unwrap(), Err(QUEUE_FULL));
    });
    let server = Server::new();
    // A share of it is what one connection may hold.
    server.set(wsaddin_server_set_receive_queue_messages, 4);
    server.run("127.0.0.1").unwrap();
    let mut peer = Raw::client(server.port(), None);
    server.next(OPEN, LONG);
    std::thread::scope(|scope| {
        let pings = scope.spawn(|| server.ping(1, 0));
        assert_eq!(peer.read().0, 0x89);
        flood(&mut peer, 10);
        assert_eq!(pings.join().unwrap(), Err(QUEUE_FULL));
    });
    for number in 0..10 {
        assert_eq!(server.receive(LONG).unwrap().number(), number);
    }
}

/// The peer reads nothing before it is rid of what it says, and we read nothing more.
#[test]
fn a_request_that_waits_for_room_ends_when_reading_pauses() {
    let (client, mut peer) = connected(|client| {
        client.set(wsaddin_client_set_receive_queue_messages, 2);
        client.set(wsaddin_client_set_send_timeout, 0);
        client.set(wsaddin_client_set_send_queue_bytes, 1 << 20);
        client.set(wsaddin_client_set_compression, 0);
    });
    // More than the system takes.
    client.send(&vec![0; 64 << 20]).unwrap();
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| (client.request("{}", 0, "id", "").err(), error_text()));
        // However early or late it begins to wait.
        std::thread::sleep(Duration::from_millis(50));
        flood(&mut peer, 10);
        let (code, text) = asks.join().unwrap();
        assert_eq!(code, Some(QUEUE_FULL), "{text}");
        assert!(text.contains("receive queue"), "{text}");
    });
    client.set(wsaddin_client_set_close_timeout, 0);
}

#[test]
fn a_request_waits_for_room_no_longer_than_for_its_reply() {
    let (client, peer) = connected(|client| {
        client.set(wsaddin_client_set_send_timeout, 60_000);
        client.set(wsaddin_client_set_send_queue_bytes, 1 << 20);
        client.set(wsaddin_client_set_compression, 0);
    });
    // More than the system takes.
    client.send(&vec![0; 64 << 20]).unwrap();
    for time in [300, -1] {
        let start = Instant::now();
        assert_eq!(client.request("{}", time, "id", "").err(), Some(QUEUE_FULL));
        let text = error_text();
        assert!(text.contains("send queue"), "{text}");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    }
    client.set(wsaddin_client_set_close_timeout, 0);
    drop(peer);
}
