//! What a host and its newcomers may do at the wrong moment, or all at once.

mod common {
    pub mod face;
    pub mod raw;
}

use common::face::*;
use common::raw;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use websocket_addin::capi::*;

fn asking() -> Server {
    let server = Server::new();
    server.manual_accept(1);
    server.run("127.0.0.1", 0).unwrap();
    server
}

fn knock(server: &Server) -> TcpStream {
    raw::knock(server.port(), "/", "")
}

fn pending(server: &Server) -> u64 {
    server.expect(WSADDIN_EVENT_PENDING).connection
}

fn status_of(stream: &mut TcpStream) -> u16 {
    let head = raw::read_head(stream);
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {head:?}"))
}

/// Every event that waits, as the kinds of each connection in their order.
fn history(server: &Server, known: &mut BTreeMap<u64, Vec<i32>>) {
    while let Ok(Got::Event(event)) = server.receive_event(-1) {
        known.entry(event.connection).or_default().push(event.event);
    }
}

#[test]
fn of_many_words_about_one_the_first_holds() {
    let server = asking();
    for round in 0..30 {
        let mut stream = knock(&server);
        let id = pending(&server);
        let (accepted, rejected) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (server, accepted, rejected) = (&server, &accepted, &rejected);
                scope.spawn(move || match number % 2 {
                    0 => accepted.fetch_add(usize::from(server.accept(id).unwrap()), SeqCst),
                    _ => rejected.fetch_add(usize::from(server.reject(id, 403, "").unwrap()), SeqCst),
                });
            }
        });
        let (accepted, rejected) = (accepted.into_inner(), rejected.into_inner());
        assert_eq!(accepted + rejected, 1, "round {round}");
        assert_eq!(status_of(&mut stream), if accepted == 1 { 101 } else { 403 });
        drop(stream);
        if accepted == 1 {
            assert_eq!([server.event().event, server.event().event], [WSADDIN_EVENT_OPEN, WSADDIN_EVENT_CLOSE]);
        }
        assert!(matches!(server.receive_event(-1), Ok(Got::Timeout)));
    }
    assert!(server.accept(0).is_err() && server.accept(u64::MAX).is_err() && server.reject(31, 403, "").is_err());
}

#[test]
fn a_word_that_meets_a_newcomer_who_leaves_ends_well() {
    let server = asking();
    server.max_connections(1);
    for round in 0..100 {
        let stream = knock(&server);
        let id = pending(&server);
        let done = std::thread::scope(|scope| {
            scope.spawn(|| drop(stream));
            let done = if round % 3 == 0 { server.reject(id, 403, "") } else { server.accept(id) };
            if let Ok(true) = done {
                // Meant for one that may have gone: no error, whatever it was.
                let _ = server.send(id, "still there?").unwrap();
            }
            done.unwrap()
        });
        // Its place comes back, and what the host is told of it fits.
        until("the place is free", || server.connection_count() == 0);
        let mut events = Vec::new();
        if !(done && round % 3 == 0) {
            while events.last() != Some(&WSADDIN_EVENT_CLOSE) {
                let event = server.event();
                assert_eq!(event.connection, id);
                events.push(event.event);
            }
            assert!(
                matches!(events[..], [WSADDIN_EVENT_CLOSE] | [WSADDIN_EVENT_OPEN, WSADDIN_EVENT_CLOSE]),
                "{events:?}"
            );
        }
        assert!(!server.accept(id).unwrap());
    }
}

#[test]
fn words_during_a_stop_leave_nobody_without_an_answer() {
    let server = asking();
    let mut known = BTreeMap::new();
    for round in 0..10 {
        if round > 0 {
            server.run("127.0.0.1", 0).unwrap();
        }
        let mut streams: Vec<_> = (0..20).map(|_| knock(&server)).collect();
        let ids: Vec<_> = (0..20).map(|_| pending(&server)).collect();
        let stopping = AtomicBool::new(false);
        let accepted = std::thread::scope(|scope| {
            let accepting = scope.spawn(|| {
                while !stopping.load(SeqCst) {
                    std::hint::spin_loop();
                }
                ids.iter().filter(|id| server.accept(**id).unwrap()).count()
            });
            // They answer the close, so that the stop need not wait for its time-out.
            let readers: Vec<_> = streams
                .iter_mut()
                .map(|stream| {
                    scope.spawn(|| {
                        let status = status_of(stream);
                        if status == 101 {
                            assert_eq!(raw::read_close(stream).map(|(code, _)| code), Some(1001));
                            let _ =
                                stream.write_all(&raw::frame(raw::FIN | raw::CLOSE, true, &raw::close_body(1001, "")));
                        }
                        // Not to make the stop wait for it.
                        let _ = stream.shutdown(Shutdown::Both);
                        status
                    })
                })
                .collect();
            stopping.store(true, SeqCst);
            server.stop().unwrap();
            let opened = readers.into_iter().map(|reader| reader.join().unwrap()).filter(|status| match status {
                101 => true,
                503 => false,
                other => panic!("{other}"),
            });
            (opened.count(), accepting.join().unwrap())
        });
        assert!(accepted.0 <= accepted.1, "{accepted:?}");
        history(&server, &mut known);
        for id in &ids {
            let events = known.remove(id).unwrap_or_default();
            assert!(
                matches!(events[..], [WSADDIN_EVENT_CLOSE] | [WSADDIN_EVENT_OPEN, WSADDIN_EVENT_CLOSE]),
                "round {round}: {events:?}"
            );
            assert!(!server.accept(*id).unwrap());
        }
        assert!(known.is_empty(), "{known:?}");
        assert!(matches!(server.receive_event(-1), Ok(Got::Closed)));
    }
}

#[test]
fn a_thousand_newcomers_wait_at_once() {
    let server = asking();
    server.max_connections(1000).accept_timeout(600_000);
    let mut streams: BTreeMap<String, TcpStream> = BTreeMap::new();
    for _ in 0..1000 {
        let stream = knock(&server);
        streams.insert(stream.local_addr().unwrap().to_string(), stream);
    }
    let mut waiting = Vec::new();
    for _ in 0..1000 {
        let event = server.expect(WSADDIN_EVENT_PENDING);
        waiting.push((event.connection, event.json()["address"].as_str().unwrap().to_owned()));
    }
    assert_eq!(status_of(&mut knock(&server)), 503, "they count");
    assert_eq!(server.connection_count(), 0);
    for (id, _) in &waiting {
        match id % 4 {
            0 => assert!(server.accept(*id).unwrap()),
            1 => assert!(server.reject(*id, 403, "").unwrap()),
            _ => {}
        }
    }
    for (id, address) in &waiting {
        let stream = streams.get_mut(address).unwrap();
        match id % 4 {
            0 => assert_eq!(status_of(stream), 101),
            1 => assert_eq!(status_of(stream), 403),
            _ => {}
        }
    }
    until("250 are open", || server.connection_count() == 250);
    for _ in 0..250 {
        server.opened();
    }
    // The free ends all others, and the open ones.
    let ending = std::thread::spawn(move || {
        let mut ends = BTreeMap::new();
        for (id, address) in waiting {
            let mut stream = streams.remove(&address).unwrap();
            let end = match id % 4 {
                0 => raw::read_close(&mut stream).map_or(0, |(code, _)| code),
                1 => continue,
                _ => status_of(&mut stream),
            };
            // A goodbye of its own; it may come too late.
            let _ = stream.write_all(&raw::frame(raw::FIN | raw::CLOSE, true, &raw::close_body(1001, "")));
            *ends.entry(end).or_insert(0) += 1;
        }
        ends
    });
    server.free().unwrap();
    assert_eq!(ending.join().unwrap(), BTreeMap::from([(503, 500), (1001, 250)]));
}

#[test]
fn who_waits_counts_for_its_address() {
    let server = asking();
    server.max_connections_per_address(2).accept_timeout(600_000);
    let mut first = knock(&server);
    let one = pending(&server);
    let second = knock(&server);
    let two = pending(&server);
    assert_eq!(status_of(&mut knock(&server)), 503);
    // Another address has places of its own: all of 127/8 is this machine.
    let elsewhere = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    elsewhere.bind(&std::net::SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
    elsewhere.connect(&std::net::SocketAddr::from(([127, 0, 0, 1], server.port())).into()).unwrap();
    let mut elsewhere = TcpStream::from(elsewhere);
    raw::patient(&elsewhere);
    elsewhere.write_all(raw::request(server.port(), "").as_bytes()).unwrap();
    let three = pending(&server);
    assert!(server.connection_info(three).unwrap().unwrap()["address"].as_str().unwrap().starts_with("127.0.0.2:"));
    // Letting in takes no second place, refusing and leaving give one back.
    assert!(server.accept(one).unwrap());
    assert_eq!(server.opened(), one);
    assert_eq!(status_of(&mut first), 101);
    assert_eq!(status_of(&mut knock(&server)), 503);
    assert!(server.reject(two, 403, "").unwrap());
    drop(second);
    let third = knock(&server);
    let four = pending(&server);
    drop(third);
    let event = server.event();
    assert_eq!((event.event, event.connection), (WSADDIN_EVENT_CLOSE, four));
    let _fourth = knock(&server);
    pending(&server);
    assert_eq!(status_of(&mut knock(&server)), 503);
    assert_eq!(server.statistics()["rejected"]["503"], 3);
}

#[test]
fn a_reason_is_only_ever_the_body() {
    let server = asking();
    let injected = "no\r\nSet-Cookie: a=b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    let long = "долго ".repeat(50_000);
    for (status, reason) in [(400, injected), (599, ""), (403, "\u{0}\n"), (500, &long)] {
        let mut stream = knock(&server);
        assert!(server.reject(pending(&server), status, reason).unwrap());
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        assert!(lines.next().unwrap().starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        let names: Vec<_> = lines.map(|line| line.split_once(": ").unwrap().0).collect();
        assert_eq!(names, ["Connection", "Content-Type", "Content-Length"], "{head}");
        assert_eq!(raw::header(head, "Connection"), Some("close"));
        assert_eq!(raw::header(head, "Content-Length"), Some(body.len().to_string().as_str()));
        assert_eq!(body, reason);
    }
}

#[test]
fn what_comes_too_early_is_borne_while_it_is_little() {
    let server = asking();
    // A client may not send before the answer; a message or two are kept for later.
    let mut stream = knock(&server);
    let id = pending(&server);
    stream.write_all(&raw::frame(raw::FIN | raw::TEXT, true, b"impatient")).unwrap();
    assert!(server.accept(id).unwrap());
    assert_eq!(server.opened(), id);
    assert_eq!(server.event().text(), "impatient");
    drop(stream);
    assert_eq!(server.event().event, WSADDIN_EVENT_CLOSE);
    let mut flood = knock(&server);
    let id = pending(&server);
    let _ = flood.write_all(&vec![0; 64 * 1024]);
    let _ = flood.shutdown(Shutdown::Write);
    assert_eq!(status_of(&mut flood), 400);
    let event = server.event();
    assert_eq!((event.event, event.connection), (WSADDIN_EVENT_CLOSE, id));
    assert!(!server.accept(id).unwrap());
    // The same in one piece with the request. Whoever has not seen it pending need not hear of it.
    let mut flood = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&flood);
    let request = raw::request(server.port(), "").into_bytes();
    flood.write_all(&[request, vec![0; 16 * 1024]].concat()).unwrap();
    assert_eq!(status_of(&mut flood), 400);
    assert!(matches!(server.receive_event(-1), Ok(Got::Timeout)));
    assert_eq!(server.statistics()["rejected"]["400"], 2);
}
