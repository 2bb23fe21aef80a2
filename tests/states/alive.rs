//! The states of a client that is coming, open or going.

use super::*;

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
