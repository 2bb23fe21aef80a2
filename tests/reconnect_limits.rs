//! When a client stops coming back, and when it waits because the server has asked it to.

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;

use face::*;
use raw::{Peer, Then};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// A peer whose first answers are these; then it shakes hands, and with `closes` breaks that off at once. And when each
/// request came.
fn answering(answers: &'static [&str], closes: bool) -> (Peer, Arc<Mutex<Vec<Instant>>>) {
    let asked: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let times = asked.clone();
    let peer = Peer::new(move |stream| {
        let head = raw::read_head(stream);
        let count = {
            let mut times = times.lock().unwrap();
            times.push(Instant::now());
            times.len()
        };
        match answers.get(count - 1) {
            Some(answer) => {
                let _ = stream.write_all(answer.as_bytes());
                Then::Close
            }
            None => {
                let _ = stream.write_all(raw::accept(&head, "").as_bytes());
                if closes { Then::Close } else { Then::Keep }
            }
        }
    });
    (peer, asked)
}

#[test]
fn it_gives_up_after_so_many_failures_in_a_row() {
    let (peer, asked) = answering(&[BUSY_NOW; 10], false);
    let client = Client::new();
    client.reconnect_interval(1).max_reconnect_attempts(3);
    client.begin_connect(&peer.url()).unwrap();
    for _ in 0..2 {
        let text = client.expect(WSADDIN_EVENT_ERROR).text().to_owned();
        assert!(text.starts_with("connecting to "), "{text}");
    }
    let text = client.expect(WSADDIN_EVENT_ERROR).text().to_owned();
    let start =
        format!("given up after 3 attempts in a row: connecting to {}: the server answered HTTP 503", peer.address());
    assert!(text.starts_with(&start), "{text}");
    assert_eq!((client.status(), client.ready_state(), client.error_code()), (-1, 3, WSADDIN_HANDSHAKE));
    assert_eq!(client.handshake_status(), 503);
    assert_eq!(client.receive_event(-1), Ok(Got::Closed), "no close follows");
    assert_eq!(asked.lock().unwrap().len(), 3);
    let fault = client.send("x").unwrap_err();
    assert_eq!(fault.code, WSADDIN_NOT_CONNECTED);
    assert!(fault.text.contains("given up after 3 attempts"), "{}", fault.text);
    set_language(WSADDIN_LANGUAGE_RUSSIAN);
    let fault = client.send("x").unwrap_err();
    set_language(WSADDIN_LANGUAGE_ENGLISH);
    assert!(
        fault.text.contains("переподключение прекращено, неудачных попыток подряд: 3: подключение к "),
        "{}",
        fault.text
    );
    // It can be told to connect again, and counts anew.
    client.begin_connect(&peer.url()).unwrap();
    assert!(client.expect(WSADDIN_EVENT_ERROR).text().starts_with("connecting to "));
}

const BUSY_NOW: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_lost_connection_has_one_close() {
    let server = Server::running();
    let client = Client::new();
    client.reconnect_interval(1).max_reconnect_attempts(2);
    client.connect(&server.url()).unwrap();
    client.expect(WSADDIN_EVENT_OPEN);
    server.stop().unwrap();
    assert_eq!(client.expect(WSADDIN_EVENT_CLOSE).close().0, 1001);
    assert!(client.expect(WSADDIN_EVENT_ERROR).text().starts_with("connecting to "));
    assert!(
        client.expect(WSADDIN_EVENT_ERROR).text().starts_with("given up after 2 attempts in a row: connecting to ")
    );
    assert_eq!(client.receive_event(SOON), Ok(Got::Closed));
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (-1, 3, 1001));
    assert_eq!(client.error_code(), WSADDIN_REFUSED);
}

#[test]
fn an_open_connection_resets_the_count() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    // Two refusals before each connection that opens, and breaks.
    let peer = Peer::new(move |stream| {
        let head = raw::read_head(stream);
        let answer = match count.fetch_add(1, SeqCst) % 3 {
            2 => raw::accept(&head, ""),
            _ => BUSY_NOW.to_owned(),
        };
        let _ = stream.write_all(answer.as_bytes());
        Then::Close
    });
    let client = Client::new();
    client.reconnect_interval(1).max_reconnect_attempts(3);
    client.begin_connect(&peer.url()).unwrap();
    for _ in 0..5 {
        for kind in [WSADDIN_EVENT_ERROR, WSADDIN_EVENT_ERROR, WSADDIN_EVENT_OPEN, WSADDIN_EVENT_CLOSE] {
            client.expect(kind);
        }
    }
    // A lower limit counts from the next failure on.
    client.max_reconnect_attempts(1);
    let given_up = |event: &Event| event.event == WSADDIN_EVENT_ERROR && event.text().starts_with("given up after ");
    while !given_up(&client.event()) {}
    until("it is over", || client.ready_state() == 3);
}

#[test]
fn a_server_is_left_alone_as_long_as_it_asks() {
    const DATES: &str = "HTTP/1.1 429 Slow\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
        Retry-After: Sun, 06 Nov 1994 08:49:38 GMT\r\nContent-Length: 0\r\n\r\n";
    const SECONDS: &str = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    const NOT_MEANT: &str = "HTTP/1.1 404 No\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n";
    let (peer, asked) = answering(&[SECONDS, DATES, NOT_MEANT], false);
    let client = Client::new();
    client.reconnect_interval(1);
    client.begin_connect(&peer.url()).unwrap();
    client.expect(WSADDIN_EVENT_ERROR);
    // A new interval does not cut what was asked for.
    client.reconnect_interval(2);
    client.expect(WSADDIN_EVENT_ERROR);
    client.expect(WSADDIN_EVENT_ERROR);
    client.expect(WSADDIN_EVENT_OPEN);
    let times = asked.lock().unwrap().clone();
    let waits: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits[0] >= Duration::from_millis(990) && waits[1] >= Duration::from_millis(990), "{waits:?}");
    assert!(waits[2] < Duration::from_secs(30), "{waits:?}");
}

/// A stranger cannot put a client to sleep for days, and the host ends any wait.
#[test]
fn what_a_server_asks_for_is_bounded() {
    let (peer, asked) = answering(&["HTTP/1.1 503 Busy\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n"], false);
    let client = Client::new();
    client.reconnect_interval(1);
    let log = common::Scratch::new("retry-after");
    let file = log.path().join("log");
    set_log(file.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap();
    client.begin_connect(&peer.url()).unwrap();
    client.expect(WSADDIN_EVENT_ERROR);
    let wait = || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let line = text
            .lines()
            .find(|line| line.contains(" is tried again in ") && line.contains(&peer.address().to_string()));
        line.and_then(|line| line.split(" is tried again in ").nth(1)?.split(' ').next()?.parse::<u64>().ok())
    };
    until("the wait is logged", || wait().is_some());
    set_log("", WSADDIN_LOG_INFO).unwrap();
    assert!((59_000..=60_000).contains(&wait().unwrap()), "{:?}", wait());
    assert_eq!((client.status(), client.ready_state()), (-1, 0));
    client.disconnect(1000, "").unwrap();
    assert_eq!(asked.lock().unwrap().len(), 1);
}
