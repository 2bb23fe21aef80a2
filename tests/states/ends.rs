//! Every kind of end.

use super::*;

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
