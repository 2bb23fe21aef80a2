//! One message for many: made once, and nobody waits for another.

mod common {
    pub mod face;
    pub mod names;
    pub mod raw;
}

use common::face::*;
use common::names::*;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// What an echo or a broadcast may take while others are stalled, half of them and each.
const MEDIAN: Duration = Duration::from_millis(50);
const EACH: Duration = Duration::from_secs(10);

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn a_full_queue_closes_its_connection_and_delays_nobody() {
    let server = naming();
    server.send_queue_bytes(1 << 20).close_timeout(SOON);
    let stalled = Stalled::come(&server, "");
    let id = server.opened();
    let (good, other) = (Client::new(), Client::new());
    good.connect(&server.url()).unwrap();
    other.connect(&server.url()).unwrap();
    let (mut calls, mut arrivals) = (Vec::new(), Vec::new());
    let mut number = 0;
    let start = Instant::now();
    loop {
        let begin = Instant::now();
        let count = server.broadcast(&padded(number)).unwrap();
        calls.push(begin.elapsed());
        for client in [&good, &other] {
            let event = client.receive(SOON).unwrap().event();
            assert_eq!(event.text(), padded(number));
        }
        arrivals.push(begin.elapsed());
        number += 1;
        if count == 2 {
            break;
        }
        assert_eq!(count, 3);
        assert!(start.elapsed() < FILL, "its queue is never full, after {number} messages");
    }
    assert!(calls.iter().chain(&arrivals).all(|time| *time < EACH), "{calls:?} {arrivals:?}");
    assert!(median(calls) < MEDIAN);
    assert!(median(arrivals) < MEDIAN);
    // It has left the list at once, and those after it are not meant for it.
    assert_eq!((server.connection_count(), server.broadcast(&padded(number)).unwrap()), (2, 2));
    assert!(!server.send(id, "x").unwrap());
    // When it reads on, it gets what was queued for it, then 1013.
    let (read, close) = stalled.read_to_close();
    assert!(read.iter().copied().eq(0..number - 1), "{} of {number}", read.len());
    assert_eq!(close, Some(1013));
    assert_eq!(texts(&good, 1), [padded(number)]);
    // Its own event says what happened, as the peer was told, who has not answered.
    let (code, reason, clean) = end_of(&server, id);
    assert!(code == 1013 && !clean && reason.starts_with("the send queue is full: "), "{code} {reason} {clean}");
    assert_eq!(server.statistics()["closes"], serde_json::json!({"1013": 1}));
}

/// The `close` of this connection.
fn end_of(server: &Server, id: u64) -> (i64, String, bool) {
    loop {
        let event = server.receive_event(SOON).unwrap().event();
        if event.event == WSADDIN_EVENT_CLOSE && event.connection == id {
            break event.close();
        }
    }
}

/// One that never reads on is cut off after CloseTimeout: its end says why, and not that a handshake was missed. The same where it resets the connection meanwhile, and with no time for a close at all.
#[test]
fn the_end_of_who_reads_no_more_says_why() {
    for (close_timeout, reset) in [(200, false), (SOON, true), (0, false)] {
        let server = naming();
        server.send_queue_bytes(1 << 20).close_timeout(close_timeout);
        let stalled = Stalled::come(&server, "");
        let id = server.opened();
        fill(|text| server.broadcast(text).unwrap() == 1);
        // The close has begun when another one is in.
        Client::new().connect(&server.url()).unwrap();
        // Kept until its end is told, or reset at once.
        let stalled = (!reset).then_some(stalled);
        let (code, reason, clean) = end_of(&server, id);
        assert!(code == 1013 && !clean, "{close_timeout}: {code} {reason}");
        assert!(reason.starts_with("the send queue is full: "), "{close_timeout}: {reason}");
        assert_eq!(server.statistics()["closes"]["1013"], 1, "{close_timeout}");
        drop(stalled);
    }
}

/// What a client that was too slow is told when it reads on in time.
#[test]
fn a_slow_client_learns_why_it_was_closed() {
    let server = naming();
    server.send_queue_bytes(1 << 20).close_timeout(SOON);
    let client = Client::new();
    // Compressed they are so short that the system's buffers hold thousands of them.
    client.receive_queue_messages(16).compression(0);
    client.connect(&server.url()).unwrap();
    let id = server.opened();
    fill(|text| server.broadcast(text).unwrap() == 1);
    let (code, reason, clean) = loop {
        let event = client.event();
        if event.event == WSADDIN_EVENT_CLOSE {
            break event.close();
        }
    };
    assert!(code == 1013 && clean && reason.starts_with("the send queue is full: "), "{code} {reason}");
    assert_eq!((client.close_code(), client.close_reason()), (1013, reason.clone()));
    assert_eq!(end_of(&server, id), (1013, reason, true));
}

#[test]
fn a_full_queue_does_not_cost_a_session_what_it_has() {
    let server = naming();
    server.send_queue_bytes(1 << 20).close_timeout(500);
    let stalled = Stalled::come(&server, "a");
    let id = server.opened();
    server.join_group(id, "team").unwrap();
    let queued = fill(|text| {
        // The network is to be full, not only the queue of a thread that has not had its turn.
        std::thread::sleep(Duration::from_millis(1));
        server.broadcast_to("team", text).unwrap() == 1
    });
    let close = server.event();
    assert_eq!((close.event, close.connection), (WSADDIN_EVENT_CLOSE, id));
    assert_eq!(server.statistics()["sessions_waiting"], 1);
    let again = Client::new();
    again.connect(&url(&server, "a")).unwrap();
    let open = server.event();
    assert_eq!(open.json()["groups"], serde_json::json!(["team"]));
    assert_eq!(server.broadcast_to("team", &padded(queued)).unwrap(), 1);
    let got = numbers(&again, queued);
    assert!(got.iter().copied().eq(got[0]..=queued), "without a gap, from what the kernel had not taken");
    let (read, _) = stalled.read_to_close();
    assert!(read.len() <= got[0], "nothing twice");
}

#[test]
fn all_and_groups_are_counted_with_those_who_are_away() {
    let server = naming();
    assert_eq!(server.broadcast("nobody is there").unwrap(), 0);
    let (first, one) = come(&server, "a");
    let (second, two) = come(&server, "");
    let (third, _) = come(&server, "c");
    for id in [one, two] {
        assert!(server.join_group(id, "team").unwrap());
        assert!(server.join_group(id, "team").unwrap(), "twice is once");
    }
    assert_eq!((server.broadcast("all").unwrap(), server.broadcast_to("team", "team").unwrap()), (3, 2));
    assert_eq!(server.broadcast_to("", "everybody").unwrap(), 3);
    assert_eq!(server.broadcast_to("Team", "x").unwrap(), 0, "case counts");
    first.disconnect(1001, "").unwrap();
    server.event().close();
    assert_eq!((server.broadcast("b").unwrap(), server.broadcast_to("team", "t").unwrap()), (3, 2));
    assert_eq!(texts(&third, 3), ["all", "everybody", "b"]);
    assert_eq!(texts(&second, 5), ["all", "team", "everybody", "b", "t"]);
    let (again, id) = come(&server, "a");
    assert_eq!(texts(&again, 2), ["b", "t"]);
    // Who loses its name stays in its groups, and is no session any more.
    assert!(server.set_name(id, "").unwrap());
    assert_eq!(server.broadcast_to("team", "t").unwrap(), 2);
    again.disconnect(1001, "").unwrap();
    server.event().close();
    assert_eq!(server.broadcast_to("team", "t").unwrap(), 1);
    assert_eq!(texts(&second, 2), ["t", "t"]);
    server.stop().unwrap();
    assert_eq!(code(server.broadcast("x")), WSADDIN_NOT_RUNNING);
}
