//! A hundred connections that come, go and take each other over, while the host sends to their names: every message
//! arrives once and in order, or still waits.

mod common {
    pub mod face;
    pub mod names;
    pub mod raw;
}

use common::face::*;
use common::names::*;
use common::raw;
use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

const NAMES: usize = 100;

/// How long it lasts: more in a soak.
fn time() -> Duration {
    let seconds = std::env::var("WSADDIN_FLAP_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(15))
}

/// What one of a name has got: the numbers sent to it, and those sent to all.
#[derive(Default)]
struct Tale {
    own: usize,
    all: usize,
    lives: usize,
}

impl Tale {
    /// Each comes right behind the one before: nothing is lost, twice or out of order.
    fn take(&mut self, name: usize, text: &str) {
        let (kind, number) = text.split_once(' ').unwrap();
        let next = if kind == "own" { &mut self.own } else { &mut self.all };
        assert_eq!(number.parse(), Ok(*next), "{kind} of {name} after {} lives", self.lives);
        *next += 1;
    }
}

fn come(port: u16, name: usize) -> TcpStream {
    let (stream, head) = shake(port, &format!("/?id={name}"), "");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

/// Reads on to the close frame of the server, which must say this.
fn read_to_close(stream: &mut TcpStream, name: usize, got: &mut Tale, expected: u16) {
    loop {
        let (first, payload) = raw::read_frame(stream).expect("the server closes with a close frame");
        if first == raw::FIN | raw::CLOSE {
            assert_eq!(payload[..2], expected.to_be_bytes());
            return;
        }
        got.take(name, std::str::from_utf8(&payload).unwrap());
    }
}

/// Comes and goes until it is time, then stays until it has all.
fn flap(port: u16, name: usize, over: &AtomicBool, left: &AtomicUsize, expected: impl Fn() -> (usize, usize)) -> usize {
    let mut got = Tale::default();
    let mut dice = name as u64 + 1;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let mut stream = come(port, name);
    while !over.load(SeqCst) {
        got.lives += 1;
        for _ in 0..roll(4) {
            // There is something for everybody all the time.
            let (first, payload) = raw::read_frame(&mut stream).unwrap();
            assert_eq!(first, raw::FIN | raw::TEXT);
            got.take(name, std::str::from_utf8(&payload).unwrap());
        }
        if roll(2) == 0 {
            // A second one takes over; what the first had been sent is read first.
            let second = come(port, name);
            read_to_close(&mut stream, name, &mut got, 4001);
            stream = second;
        } else {
            stream.write_all(&raw::frame(raw::FIN | raw::CLOSE, true, &raw::close_body(1001, ""))).unwrap();
            read_to_close(&mut stream, name, &mut got, 1001);
            thread::sleep(Duration::from_millis(roll(20)));
            stream = come(port, name);
        }
    }
    left.fetch_add(1, SeqCst);
    let (own, all) = expected();
    while (got.own, got.all) != (own, all) {
        let (_, payload) = raw::read_frame(&mut stream)
            .unwrap_or_else(|| panic!("{name} has {} of {own} and {} of {all}", got.own, got.all));
        got.take(name, std::str::from_utf8(&payload).unwrap());
    }
    // And not one more.
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.peek(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    got.lives
}

/// Takes the server's events until it stops: never are two of one name open, and every open has one close.
fn watch(server: &Server, over: &AtomicBool) -> usize {
    let mut open: HashMap<u64, String> = HashMap::new();
    let mut opened = 0;
    while let Got::Event(event) = server.receive_event(SOON).unwrap() {
        match event.event {
            WSADDIN_EVENT_OPEN => {
                let name = event.json()["name"].as_str().unwrap().to_owned();
                assert!(open.values().all(|other| *other != name), "{name} is open twice");
                assert!(open.insert(event.connection, name).is_none());
                opened += 1;
            }
            WSADDIN_EVENT_CLOSE => {
                assert!(open.remove(&event.connection).is_some(), "a second end, or one before the begin");
                let code = event.close().0;
                // In the end they only go.
                assert!(matches!(code, 1001 | 4001) || code == 1006 && over.load(SeqCst), "{}", event.text());
            }
            other => panic!("{other}: {}", event.text()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    opened
}

#[test]
fn every_message_is_delivered_once_or_still_queued() {
    let server = Server::new();
    server.set_name_parameter("id").unwrap();
    server.io_threads(2).resume_timeout(600_000);
    server.run("127.0.0.1", 0).unwrap();
    let port = server.port();
    let left = AtomicUsize::new(0);
    let (over, sent) = (AtomicBool::new(false), std::sync::Mutex::new(None));
    let expected = |name: usize| {
        let start = Instant::now();
        loop {
            if let Some((own, all)) = &*sent.lock().unwrap() {
                let own: &Vec<usize> = own;
                return (own[name], *all);
            }
            assert!(start.elapsed() < Duration::from_secs(60));
            thread::sleep(Duration::from_millis(1));
        }
    };
    let lives = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&server, &over));
        let (over, left, expected) = (&over, &left, &expected);
        let flappers: Vec<_> =
            (0..NAMES).map(|name| scope.spawn(move || flap(port, name, over, left, || expected(name)))).collect();
        until("all have come once", || (0..NAMES).all(|name| is_there(&server, name)));
        let end = Instant::now() + time();
        let (mut own, mut all) = (vec![0; NAMES], 0);
        // On until the last one rests, because each waits for the next message.
        while left.load(SeqCst) < NAMES && flappers.iter().all(|flapper| !flapper.is_finished()) {
            for (name, count) in own.iter_mut().enumerate() {
                assert!(server.send_to_name(&name.to_string(), &format!("own {count}")).unwrap(), "{name}");
                *count += 1;
            }
            // Absent or not, or just being taken over: everybody is reached.
            assert_eq!(server.broadcast(&format!("all {all}")).unwrap(), NAMES as i64);
            all += 1;
            thread::sleep(Duration::from_millis(2));
            over.store(Instant::now() >= end, SeqCst);
        }
        over.store(true, SeqCst);
        *sent.lock().unwrap() = Some((own, all));
        let lives: usize = flappers.into_iter().map(|flapper| flapper.join().unwrap()).sum();
        server.stop().unwrap();
        let opened = watcher.join().unwrap();
        // Both events of one that has gone before the host looked are dropped.
        assert!(opened >= NAMES, "{opened} {lives}");
        println!("{lives} lives of {NAMES} names, {all} broadcasts");
        lives
    });
    assert!(lives > 2 * NAMES, "only {lives} lives");
}

fn is_there(server: &Server, name: usize) -> bool {
    let (list, name) = (server.connection_list(), name.to_string());
    list.as_array().unwrap().iter().any(|one| one["name"] == name.as_str())
}
