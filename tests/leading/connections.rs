//! Connections come and go while the host runs the loop.

use super::*;
use std::io::Read;
use std::net::Shutdown;

#[test]
fn newcomers_are_let_in_while_the_host_leads() {
    let mut led = Led::new(|_| {});
    let mut kept = Vec::new();
    let times = (0..ROUNDS).map(|_| {
        led.lead_in();
        let begun = Instant::now();
        let mut newcomer = Peer::new(&led.server);
        newcomer.talk(1);
        let took = begun.elapsed();
        kept.push((led.host.expect(WSADDIN_EVENT_OPEN).connection, newcomer));
        took
    });
    judge("a newcomer", times.collect());
    for (number, (id, newcomer)) in kept.iter_mut().enumerate() {
        assert_eq!(*id, number as u64 + 2);
        newcomer.talk(3);
    }
}

#[test]
fn a_refused_newcomer_is_told_while_the_host_leads() {
    let mut led = Led::new(|server| {
        server.max_connections(1);
    });
    led.lead_in();
    let mut refused = knock(led.server.port(), "/", "");
    let head = read_head(&mut refused);
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    led.peer.talk(10);
}

#[test]
fn a_close_by_the_peer_is_answered_and_told() {
    let mut led = Led::new(|server| {
        server.close_timeout(3000);
    });
    let times = (0..ROUNDS).map(|number| {
        let (mut other, id) = led.newcomer();
        // Also one that has itself made the host run the loop.
        match number % 2 {
            0 => led.host.lead_in(&mut other),
            _ => led.lead_in(),
        }
        let begun = Instant::now();
        other.send(CLOSE, &close_body(4321, "enough"));
        assert_eq!(other.frame(), (CLOSE, close_body(4321, "")));
        let event = led.host.expect(WSADDIN_EVENT_CLOSE);
        assert_eq!((event.connection, event.close()), (id, (4321, "enough".into(), true)));
        begun.elapsed()
    });
    judge("a close frame of the peer", times.collect());
}

/// What it had said is taken first; the order is that of its life.
#[test]
fn a_break_is_told_after_the_last_message() {
    let mut led = Led::new(|_| {});
    for number in 0..4 {
        let (mut other, id) = led.newcomer();
        led.lead_in();
        if number % 2 == 0 {
            other.say("last words");
            other.hear("last words");
            other.stream.shutdown(Shutdown::Both).unwrap();
        } else {
            let socket = socket2::SockRef::from(&other.stream);
            socket.set_linger(Some(Duration::ZERO)).unwrap();
        }
        let begun = Instant::now();
        drop(other);
        let event = led.host.expect(WSADDIN_EVENT_CLOSE);
        let (code, _, clean) = event.close();
        assert_eq!((event.connection, code, clean), (id, 1006, false));
        assert!(begun.elapsed() < HARD);
    }
    led.lead_in();
}

#[test]
fn disconnect_acts_while_the_host_leads() {
    let mut led = Led::new(|server| {
        server.close_timeout(3000);
    });
    let times = (0..ROUNDS).map(|_| {
        let (mut other, id) = led.newcomer();
        led.lead_in();
        let begun = Instant::now();
        assert!(led.server.disconnect(id, 4000, "go").unwrap());
        assert_eq!(other.frame(), (CLOSE, close_body(4000, "go")));
        let took = begun.elapsed();
        other.send(CLOSE, &close_body(4000, ""));
        let event = led.host.expect(WSADDIN_EVENT_CLOSE);
        assert_eq!((event.connection, event.close()), (id, (4000, String::new(), true)));
        let mut end = Vec::new();
        other.stream.read_to_end(&mut end).unwrap();
        assert!(end.is_empty());
        took
    });
    judge("Disconnect", times.collect());
}

/// The protocol is broken by one while the host runs the loop for all.
#[test]
fn a_violation_ends_its_connection_alone() {
    let mut led = Led::new(|server| {
        server.close_timeout(3000);
    });
    for _ in 0..3 {
        let (mut other, _) = led.newcomer();
        other.talk(3);
        led.lead_in();
        let begun = Instant::now();
        other.send(0x70 | TEXT, b"with bits that nobody has agreed on");
        let (code, _) = read_close(&mut other.stream).expect("it is told why");
        assert_eq!(code, 1002);
        drop(other);
        assert_eq!(led.host.expect(WSADDIN_EVENT_CLOSE).close().0, 1002);
        assert!(begun.elapsed() < HARD);
        led.peer.talk(10);
    }
}

/// One host that takes everything itself, in the order of its life.
#[test]
fn a_life_is_told_in_order() {
    let _alone = alone();
    let server = Server::running();
    let port = server.port();
    let talker = std::thread::spawn(move || {
        for _ in 0..20 {
            let mut peer = Peer { stream: raw::client(port), masked: true, said: 0 };
            peer.talk(40);
            peer.send(CLOSE, &close_body(1000, ""));
            assert_eq!(peer.frame().0, CLOSE);
        }
    });
    for life in 1..=20 {
        assert_eq!(server.opened(), life);
        for _ in 0..40 {
            let event = server.expect(WSADDIN_EVENT_MESSAGE);
            assert_eq!(event.connection, life);
            assert!(server.reply(&event).unwrap());
        }
        let close = server.expect(WSADDIN_EVENT_CLOSE);
        assert_eq!((close.connection, close.close().0), (life, 1000));
    }
    talker.join().unwrap();
}
