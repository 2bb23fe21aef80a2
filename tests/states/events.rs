//! The events that tell of it, and connecting again.

use super::*;

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
    assert_eq!(event.json(), json!({"url": shown, "protocol": "chat", "extensions": DEFLATE, "attempt": 1}));
    assert_eq!(keys(&event.json()), table::OPEN.names(&[]));
    is(&client, 1, 1, 0, "", &shown);
    assert_eq!(client.disconnect(1000, ""), Ok(true));
    assert_eq!(client.event().close(), (1000, String::new(), true));
    assert_eq!(client.receive_event(0), Ok(Got::Closed));

    let peer = Peer::answering("HTTP/1.1 404 Not Found\r\n\r\n");
    client.begin_connect(&peer.url()).unwrap();
    let event = client.event();
    assert_eq!((event.event, event.connection), (WSADDIN_EVENT_ERROR, 0));
    let text = format!("connecting to {}: the server answered HTTP 404 Not Found instead of 101 for /", peer.address());
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
    assert_eq!((client.queued(), client.event().event), (0, WSADDIN_EVENT_OPEN));
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
