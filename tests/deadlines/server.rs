//! Calls on a server whose clients are frozen.

use super::*;

/// A running server and clients that shook hands and do nothing more.
fn frozen_clients(count: usize) -> (Server, Vec<std::net::TcpStream>) {
    let server = Server::running();
    server.close_timeout(CLOSE_TIMEOUT.as_millis() as i64);
    let clients: Vec<_> = (0..count).map(|_| raw::client(server.port())).collect();
    for _ in 0..count {
        server.opened();
    }
    (server, clients)
}

#[test]
fn calls_on_a_server_are_woken_by_stop() {
    let _alone = alone();
    let (server, _clients) = frozen_clients(3);
    let (blocked, ended) =
        interrupted("stop while Receive waits", CLOSE_TIMEOUT, || server.receive(0), || server.stop());
    assert_eq!((blocked, ended), (Ok(Got::Closed), Ok(())));
    let (server, _clients) = frozen_clients(1);
    let (blocked, _) = interrupted("stop while Ping waits", CLOSE_TIMEOUT, || server.ping(1, 0), || server.stop());
    assert_eq!(code(blocked), WSADDIN_CANCELLED);
    let (server, _clients) = frozen_clients(1);
    server.send_queue_bytes(200_000).send_timeout(-1);
    fill(|data| server.send_binary(1, data).map(|sent| assert!(sent)));
    server.send_timeout(0);
    let (blocked, _) =
        interrupted("stop while Send waits", CLOSE_TIMEOUT, || server.send_binary(1, &[0; 200_000]), || server.stop());
    assert_eq!(blocked, Ok(false), "that connection has ended");
    let (server, _clients) = frozen_clients(1);
    let ids = [server.0.id];
    let (blocked, _) = interrupted("stop while wait_any waits", CLOSE_TIMEOUT, || wait_any(&ids, 0), || server.stop());
    assert_eq!(blocked, Ok(Some(0)));
}

#[test]
fn calls_on_a_server_are_woken_by_free() {
    let _alone = alone();
    let (server, _clients) = frozen_clients(3);
    let (blocked, ended) =
        interrupted("free while Receive waits", CLOSE_TIMEOUT, || server.receive_event(0), || server.free());
    assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(())));
    let (server, _clients) = frozen_clients(1);
    let (blocked, _) = interrupted("free while Ping waits", CLOSE_TIMEOUT, || server.ping(1, 0), || server.free());
    assert_eq!(code(blocked), WSADDIN_CANCELLED);
    let (server, _clients) = frozen_clients(1);
    server.send_queue_bytes(200_000).send_timeout(-1);
    fill(|data| server.send_binary(1, data).map(|sent| assert!(sent)));
    server.send_timeout(0);
    let (blocked, _) =
        interrupted("free while Send waits", CLOSE_TIMEOUT, || server.send_binary(1, &[0; 200_000]), || server.free());
    assert_eq!(code(blocked), WSADDIN_CANCELLED);
}

#[test]
fn calls_on_a_connection_are_woken_when_it_is_closed() {
    let _alone = alone();
    let (server, _clients) = frozen_clients(1);
    let (blocked, closed) =
        interrupted("disconnect while Ping waits", AT_ONCE, || server.ping(1, 0), || server.disconnect(1, 1000, ""));
    assert_eq!((code(blocked), closed), (WSADDIN_CANCELLED, Ok(true)));
    let (server, _clients) = frozen_clients(1);
    server.send_queue_bytes(200_000).send_timeout(-1);
    fill(|data| server.send_binary(1, data).map(|sent| assert!(sent)));
    server.send_timeout(0);
    let (blocked, closed) = interrupted(
        "disconnect while Send waits",
        AT_ONCE,
        || server.send_binary(1, &[0; 200_000]),
        || server.disconnect(1, 1000, ""),
    );
    assert_eq!((blocked, closed), (Ok(false), Ok(true)), "that connection has ended");
}

#[test]
fn stop_with_newcomers_and_many_frozen_clients() {
    let _alone = alone();
    let (server, _clients) = frozen_clients(20);
    // In the middle of their handshakes.
    let newcomers: Vec<_> = (0..5)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
            stream
        })
        .collect();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| within(CLOSE_TIMEOUT, "stop", || server.stop()));
        within(CLOSE_TIMEOUT, "a concurrent stop", || server.stop()).unwrap();
        other.join().unwrap().unwrap();
    });
    assert_eq!((server.port(), server.connection_count()), (0, 0));
    for _ in 0..20 {
        assert_eq!(server.event().close().0, 1006);
    }
    assert_eq!(server.receive_event(0), Ok(Got::Closed));
    drop(newcomers);
}

#[test]
fn stop_with_close_timeout_0() {
    let _alone = alone();
    let (server, _clients) = frozen_clients(3);
    server.close_timeout(0);
    within(AT_ONCE, "stop with CloseTimeout 0", || server.stop()).unwrap();
    let (server, _clients) = frozen_clients(3);
    server.close_timeout(0);
    within(AT_ONCE, "free with CloseTimeout 0", || server.free()).unwrap();
}

#[test]
fn a_newcomer_that_says_nothing() {
    let _alone = alone();
    let server = Server::running();
    server.handshake_timeout(300);
    let mut silent = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&silent);
    within(Duration::from_millis(300), "HandshakeTimeout", || {
        assert!(!matches!(std::io::Read::read(&mut silent, &mut [0; 1]), Ok(1)), "closed without an answer");
    });
    until("it is counted", || server.statistics()["rejected"]["handshake"] == 1);
}
