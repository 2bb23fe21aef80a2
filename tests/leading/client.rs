//! A client's host runs the loop, too.

use super::*;
use std::net::TcpListener;

/// The next connection of a client.
fn let_in(listener: &TcpListener) -> Peer {
    let (mut stream, _) = listener.accept().unwrap();
    patient(&stream);
    let head = read_head(&mut stream);
    stream.write_all(accept(&head, "").as_bytes()).unwrap();
    Peer { stream, masked: false, said: 0 }
}

fn connected(prepare: impl Fn(&Client)) -> (Arc<Client>, Host, Peer, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Arc::new(Client::new());
    prepare(&client);
    client.begin_connect(&format!("ws://{}/", listener.local_addr().unwrap())).unwrap();
    let host = Host::start(&client);
    let peer = let_in(&listener);
    host.expect(WSADDIN_EVENT_OPEN);
    (client, host, peer, listener)
}

#[test]
fn a_client_leads() {
    let _alone = alone();
    let (client, host, mut peer, _listener) = connected(|_| {});
    host.lead_in(&mut peer);
    let times = (0..ROUNDS).map(|_| {
        host.lead_in(&mut peer);
        let begun = Instant::now();
        client.send("from another").unwrap();
        peer.hear_since(begun, "from another")
    });
    judge("sent by another thread", times.collect());
    // Its own ways to wait, on another thread.
    host.lead_in(&mut peer);
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| client.request(r#"{"id":7,"what":"?"}"#, SOON).unwrap().event());
        peer.hear(r#"{"id":7,"what":"?"}"#);
        peer.say(r#"{"id":7,"it":"!"}"#);
        assert_eq!(asks.join().unwrap().text(), r#"{"id":7,"it":"!"}"#);
        let ping = scope.spawn(|| client.ping(SOON).unwrap());
        let (first, payload) = peer.frame();
        assert_eq!(first, PING);
        peer.send(PONG, &payload);
        ping.join().unwrap();
    });
    host.lead_in(&mut peer);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let ends = scope.spawn(|| client.disconnect(1000, "").unwrap());
        assert_eq!(peer.frame().0, CLOSE);
        peer.send(CLOSE, &close_body(1000, ""));
        assert!(ends.join().unwrap(), "a clean end");
    });
    assert_eq!(host.end(), Ok(Got::Closed));
    assert!(begun.elapsed() < HARD);
}

/// Asked by the thread that leads most of the time.
#[test]
fn a_host_may_lead_and_ask_by_turns() {
    let _alone = alone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::new();
    client.begin_connect(&format!("ws://{}/", listener.local_addr().unwrap())).unwrap();
    let mut peer = let_in(&listener);
    client.expect(WSADDIN_EVENT_OPEN);
    let talker = std::thread::spawn(move || {
        for round in 0..20 {
            peer.talk(30);
            let text = format!(r#"{{"id":{round}}}"#);
            peer.hear(&text);
            peer.say(&text);
            let (first, payload) = peer.frame();
            assert_eq!(first, PING);
            peer.send(PONG, &payload);
        }
        peer
    });
    for round in 0..20 {
        for _ in 0..30 {
            let event = client.expect(WSADDIN_EVENT_MESSAGE);
            client.reply(&event).unwrap();
        }
        let text = format!(r#"{{"id":{round}}}"#);
        assert_eq!(client.request(&text, SOON).unwrap().event().text(), text);
        client.ping(SOON).unwrap();
    }
    talker.join().unwrap();
}

#[test]
fn a_client_that_leads_reconnects() {
    let _alone = alone();
    let (client, host, mut peer, listener) = connected(|client| {
        client.reconnect_interval(20);
    });
    for round in 0..4 {
        host.lead_in(&mut peer);
        let begun = Instant::now();
        if round % 2 == 0 {
            peer.send(CLOSE, &close_body(1001, ""));
        }
        drop(peer);
        host.expect(WSADDIN_EVENT_CLOSE);
        peer = let_in(&listener);
        host.expect(WSADDIN_EVENT_OPEN);
        assert!(begun.elapsed() < HARD);
    }
    // What is sent meanwhile goes to the next one.
    host.lead_in(&mut peer);
    drop(peer);
    host.expect(WSADDIN_EVENT_CLOSE);
    client.send("for the next").unwrap();
    let mut peer = let_in(&listener);
    peer.hear("for the next");
    drop(listener);
    client.close_timeout(0);
    client.free().unwrap();
    assert_eq!(code(host.end()), WSADDIN_CANCELLED);
}
