//! What bounds a handler's answers, what it sees of them, and what it may keep or end.

use super::*;
use crate::raw::{BINARY, FIN, TEXT};
use std::io::{Read, Write};
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

#[test]
fn the_bound_of_the_send_queue_holds_for_answers() {
    const LIMIT: i64 = 10_000;
    let results = Arc::new(Mutex::new(Vec::new()));
    let seen = results.clone();
    let handled = Handled::new(
        |server| {
            server.send_queue_bytes(LIMIT);
        },
        move |server, _, event| {
            if event.event == WSADDIN_EVENT_MESSAGE {
                let answer = Event { data: vec![7; 1_000], kind: WSADDIN_KIND_BINARY, ..event };
                *seen.lock().unwrap() = (0..20).map(|_| reply(server, &answer)).collect();
            }
        },
    );
    let mut peer = raw::client(handled.server.port());
    peer.write_all(&raw::frame(FIN | TEXT, true, b"go")).unwrap();
    // Nothing is written while the handler runs: 9 messages of 1000 and 16 bytes have room.
    for number in 0..9 {
        assert_eq!(raw::read_frame(&mut peer), Some((FIN | BINARY, vec![7; 1_000])), "answer {number}");
    }
    let results = results.lock().unwrap();
    assert_eq!(results[..9], [WSADDIN_OK; 9]);
    assert_eq!(results[9..], [WSADDIN_QUEUE_FULL; 11]);
    peer.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(peer.read(&mut [0; 1]).is_err(), "what was refused is not sent");
}

#[test]
fn what_is_queued_shows_inside_the_handler() {
    let (figures, told) = mpsc::channel();
    let figures = Mutex::new(figures);
    let handled = Handled::new(
        |_| {},
        move |server, _, event| {
            if event.event == WSADDIN_EVENT_MESSAGE {
                assert_eq!(reply(server, &event), WSADDIN_OK);
                let mut text = vec![0_u8; 4096];
                let mut size = 0;
                // SAFETY: a buffer of that size.
                let result =
                    unsafe { wsaddin_server_statistics(server, text.as_mut_ptr().cast(), text.len(), &raw mut size) };
                assert_eq!(result, WSADDIN_OK);
                let json: serde_json::Value = serde_json::from_slice(&text[..size]).unwrap();
                figures.lock().unwrap().send(json["queued_out_bytes"].as_u64()).unwrap();
            }
        },
    );
    let mut peer = raw::client(handled.server.port());
    peer.write_all(&[raw::frame(FIN | TEXT, true, b"12345"), raw::frame(FIN | TEXT, true, b"678")].concat()).unwrap();
    for text in [&b"12345"[..], b"678"] {
        assert_eq!(raw::read_frame(&mut peer).expect("an answer").1, text);
    }
    let first = told.recv_timeout(Duration::from_secs(20)).unwrap();
    let second = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(first, Some(5));
    // Both came with one read, or each with its own.
    assert!(second == Some(8) || second == Some(3), "{second:?}");
    until("all is written", || handled.server.statistics()["queued_out_bytes"] == 0);
}

/// A message of the host's own.
struct Kept(*mut wsaddin_message);

// SAFETY: any thread may read and free a message that is the host's.
unsafe impl Send for Kept {}

#[test]
fn a_kept_message_stays_what_it_was() {
    let (keep, kept) = mpsc::channel();
    let keep = Mutex::new(keep);
    let handled = Handled::new(
        |_| {},
        move |_, message, event| {
            if event.event == WSADDIN_EVENT_MESSAGE {
                let mut own = null_mut();
                // SAFETY: the message of this call.
                assert_eq!(unsafe { wsaddin_message_keep(message, &raw mut own) }, WSADDIN_OK);
                keep.lock().unwrap().send(Kept(own)).unwrap();
            }
        },
    );
    let mut peer = raw::client(handled.server.port());
    for number in 0..20 {
        peer.write_all(&raw::frame(FIN | BINARY, true, &payload(number, SIZES[number % SIZES.len()]))).unwrap();
    }
    let kept: Vec<Kept> = (0..20).map(|_| kept.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
    for (number, Kept(message)) in kept.into_iter().enumerate() {
        // SAFETY: a message that is ours until it is freed, once.
        unsafe {
            let data = std::slice::from_raw_parts(wsaddin_message_data(message), wsaddin_message_size(message));
            assert!(data == payload(number, SIZES[number % SIZES.len()]), "message {number}");
            assert_eq!(wsaddin_message_kind(message), WSADDIN_KIND_BINARY);
            let mut again = null_mut();
            assert_eq!(wsaddin_message_keep(message, &raw mut again), WSADDIN_OK);
            wsaddin_message_free(message);
            assert_eq!(wsaddin_message_size(again), SIZES[number % SIZES.len()]);
            wsaddin_message_free(again);
        }
    }
}

#[test]
fn a_handler_that_takes_itself_away_leaves_the_rest_to_the_queue() {
    let handled = Handled::new(
        |_| {},
        |server, _, event| {
            if event.event == WSADDIN_EVENT_MESSAGE {
                assert_eq!(reply(server, &event), WSADDIN_OK);
                // SAFETY: no handler.
                assert_eq!(unsafe { wsaddin_server_set_handler(server, None, null_mut()) }, WSADDIN_OK);
            }
        },
    );
    let mut peer = raw::client(handled.server.port());
    let wire = ["handler", "queue", "queue too"].map(|text| raw::frame(FIN | TEXT, true, text.as_bytes()));
    peer.write_all(&wire.concat()).unwrap();
    assert_eq!(raw::read_frame(&mut peer).expect("the answer").1, b"handler");
    assert_eq!(handled.server.receive(SOON).unwrap().event().text(), "queue");
    assert_eq!(handled.server.receive(SOON).unwrap().event().text(), "queue too");
}
