//! Every bound holds, acts at once and drops nothing.

use super::*;

#[test]
fn empty_messages_are_bounded() {
    let server = Server::new();
    server.set(wsaddin_server_set_receive_queue_messages, 400);
    server.run("127.0.0.1").unwrap();
    let client = Client::to(server.port());
    for _ in 0..1000 {
        client.send(b"").unwrap();
    }
    until("reading is paused", SOON, || server.ping(1, 2000) == Err(QUEUE_FULL));
    assert_eq!(server.queued(), 100);
    for _ in 0..1000 {
        assert_eq!(server.receive(LONG).unwrap().data(), b"");
        assert!(server.queued() <= 100);
    }
    // On the way out each costs a little, too.
    let _stalled = Raw::client(server.port(), Some(4096));
    let id = server.next(OPEN, LONG).connection();
    server.set(wsaddin_server_set_send_queue_bytes, 16_000);
    let mut accepted = 0;
    while server.send(id, b"").is_ok() {
        accepted += 1;
        assert!(accepted < 20_000_000, "no bound");
    }
    assert!(server.info(id)["queued_out"].as_i64().unwrap() <= 1000);
}

#[test]
fn bounds_act_at_once_and_drop_nothing() {
    let server = Server::running();
    // It is the whole queue's bound that is looked at.
    server.set(wsaddin_server_set_connection_queue_messages, 65_536);
    let client = Client::to(server.port());
    let send = |numbers: std::ops::Range<u64>| numbers.for_each(|number| client.send(&numbered(number, 8)).unwrap());
    send(0..1000);
    until("all are queued", SOON, || server.queued() == 1000);
    server.set(wsaddin_server_set_receive_queue_messages, 8);
    assert_eq!(server.queued(), 1000);
    send(1000..1100);
    until("reading is paused", SOON, || server.ping(1, 2000) == Err(QUEUE_FULL));
    assert_eq!(server.queued(), 1000);
    // A larger one lets the rest in without anybody taking anything.
    server.set(wsaddin_server_set_receive_queue_messages, 4 * 1099);
    until("the next are queued", SOON, || server.queued() == 1099);
    server.set(wsaddin_server_set_receive_queue_messages, 65_536);
    until("the last is queued", SOON, || server.queued() == 1100);
    assert_eq!(server.ping(1, LONG).map(|time| time >= 0), Ok(true));
    for number in 0..1100 {
        assert_eq!(server.receive(NOW).unwrap().number(), number);
    }
    // The send queue's likewise: a waiting send goes on when the bound grows.
    let _stalled = Raw::client(server.port(), Some(4096));
    let id = server.next(OPEN, LONG).connection();
    server.set(wsaddin_server_set_send_timeout, -1);
    until("its queue is full", SOON, || server.send(id, &[0; 100_000]).is_err());
    server.set(wsaddin_server_set_send_timeout, 0);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.send(id, &[0; 100_000]));
        server.set(wsaddin_server_set_send_queue_bytes, 64 << 20);
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
}

#[test]
fn unfinished_messages_count() {
    let server = Server::new();
    server.set(wsaddin_server_set_assembly_bytes, 1 << 20);
    server.run("127.0.0.1").unwrap();
    let mut first = Raw::client(server.port(), None);
    let first_id = server.next(OPEN, LONG).connection();
    first.write(0x02, &vec![0; 600_000]);
    let mut second = Raw::client(server.port(), None);
    let second_id = server.next(OPEN, LONG).connection();
    // The first one's beginning has arrived when its pong has.
    first.write(0x89, b"there?");
    assert_eq!(first.read(), (0x8A, b"there?".to_vec()));
    second.write(0x02, &vec![0; 600_000]);
    assert_eq!(second.read_close(), 1013);
    let close = server.next(CLOSE, LONG);
    assert_eq!((close.connection(), close.json()["code"].as_i64()), (second_id, Some(1013)));
    // What the second had held is given back.
    first.write(0x80, &vec![0; 300_000]);
    let message = server.receive(LONG).unwrap();
    assert_eq!((message.connection(), message.data().len()), (first_id, 900_000));
}
