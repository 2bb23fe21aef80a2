//! What a handler is given and what it sends back, on the I/O thread: the straight way past the queues and its bends.

mod common {
    pub mod face;
    pub mod raw;
}

use common::face::*;
use common::raw::{self, BINARY, CLOSE, FIN, PING, PONG, TEXT, Then};
use std::ffi::c_void;
use std::io::{Read, Write};
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use websocket_addin::capi::*;

type Body = dyn Fn(*const wsaddin_message, Event) + Send + Sync;

extern "C" fn on_event(message: *const wsaddin_message, user_data: *mut c_void) {
    // SAFETY: the box that `Handled` keeps until the handler is taken away, and the message of this call.
    let (body, event) = unsafe {
        let data = std::slice::from_raw_parts(wsaddin_message_data(message), wsaddin_message_size(message));
        let event = Event {
            event: wsaddin_message_event(message),
            kind: wsaddin_message_kind(message),
            connection: wsaddin_message_connection(message),
            data: data.to_vec(),
        };
        (&*user_data.cast::<Box<Body>>(), event)
    };
    body(message, event);
}

/// A server with a closure as its handler.
struct Handled {
    server: Server,
    body: Box<Box<Body>>,
}

impl Handled {
    fn new(
        prepare: impl Fn(&Server),
        body: impl Fn(wsaddin_server, *const wsaddin_message, Event) + Send + Sync + 'static,
    ) -> Self {
        let server = Server::new();
        prepare(&server);
        let handle = wsaddin_server { id: server.0.id };
        let body: Box<Box<Body>> = Box::new(Box::new(move |message, event| body(handle, message, event)));
        let handled = Self { server, body };
        handled.set(Some(on_event));
        handled.server.run("127.0.0.1", 0).unwrap();
        handled
    }

    /// Sends every message back.
    fn echo(prepare: impl Fn(&Server)) -> Self {
        Self::new(prepare, |server, _, event| {
            if event.event == WSADDIN_EVENT_MESSAGE {
                assert_eq!(reply(server, &event), WSADDIN_OK);
            }
        })
    }

    fn set(&self, handler: wsaddin_handler) {
        let user_data = (&raw const *self.body).cast_mut().cast();
        // SAFETY: the box outlives the handler, which `drop` takes away.
        check(unsafe { wsaddin_server_set_handler(self.server.0, handler, user_data) }).unwrap();
    }
}

impl Drop for Handled {
    fn drop(&mut self) {
        self.set(None);
    }
}

fn reply(server: wsaddin_server, event: &Event) -> i32 {
    let (data, size) = (event.data.as_ptr().cast(), event.data.len());
    // SAFETY: a live slice.
    unsafe {
        match event.kind {
            WSADDIN_KIND_TEXT => wsaddin_server_send_text(server, event.connection, data, size),
            _ => wsaddin_server_send_binary(server, event.connection, data, size),
        }
    }
}

fn payload(number: usize, size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 7 + number * 31) as u8).collect()
}

/// Sizes around every form of the length, and some that no kernel takes at once.
const SIZES: [usize; 9] = [0, 1, 125, 126, 65_535, 65_536, 300_000, 1_048_576, 17];

#[test]
fn answers_arrive_whole_and_in_order_however_slowly_they_are_read() {
    let handled = Handled::echo(|server| {
        server.send_queue_bytes(1 << 30);
    });
    let mut peer = raw::client(handled.server.port());
    let mut writer = peer.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        for number in 0..90 {
            let data = payload(number, SIZES[number % SIZES.len()]);
            writer.write_all(&raw::frame(FIN | BINARY, true, &data)).unwrap();
        }
    });
    // Everything is sent before anything is read: the kernel's buffers fill, and the rest takes the queue.
    sender.join().unwrap();
    for number in 0..90 {
        let (first, data) = raw::read_frame(&mut peer).expect("an answer");
        assert_eq!((first, data.len()), (FIN | BINARY, SIZES[number % SIZES.len()]), "answer {number}");
        assert!(data == payload(number, data.len()), "answer {number}");
    }
    until("all is written", || handled.server.statistics()["messages_out"] == 90);
    let statistics = handled.server.statistics();
    let bytes: usize = SIZES.iter().sum::<usize>() * 10;
    assert_eq!(
        (statistics["bytes_out"].as_u64(), statistics["queued_out_bytes"].as_u64()),
        (Some(bytes as u64), Some(0))
    );
}

#[test]
fn a_clients_answers_are_masked_whole_and_in_order() {
    let (sender, heard) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = raw::Peer::websocket(move |stream| {
        let mut wire = Vec::new();
        (0..40).for_each(|number| {
            wire.extend(raw::frame(FIN | BINARY, false, &payload(number, SIZES[number % SIZES.len()])))
        });
        let mut writer = stream.try_clone().unwrap();
        let writing = std::thread::spawn(move || writer.write_all(&wire).unwrap());
        // The client's answers fill the kernel's buffers before the first is read.
        std::thread::sleep(Duration::from_millis(200));
        for _ in 0..40 {
            sender.lock().unwrap().send(raw::read_frame(stream)).unwrap();
        }
        writing.join().unwrap();
        Then::Close
    });
    let client = Client::new();
    client.send_queue_bytes(1 << 30);
    let handle = client.0.id;
    let body: Box<Box<Body>> = Box::new(Box::new(move |_, event| {
        if event.event == WSADDIN_EVENT_MESSAGE {
            let client = wsaddin_client { id: handle };
            // SAFETY: a live slice.
            let sent = unsafe { wsaddin_client_send_binary(client, event.data.as_ptr().cast(), event.data.len()) };
            assert_eq!(sent, WSADDIN_OK);
        }
    }));
    // SAFETY: the box lives until the handler is taken away below.
    check(unsafe { wsaddin_client_set_handler(client.0, Some(on_event), (&raw const *body).cast_mut().cast()) })
        .unwrap();
    client.connect(&peer.url()).unwrap();
    for number in 0..40 {
        let (first, data) = heard.recv_timeout(Duration::from_secs(20)).unwrap().expect("an answer");
        assert_eq!(first, FIN | BINARY);
        assert!(data == payload(number, SIZES[number % SIZES.len()]), "answer {number}");
    }
    // SAFETY: no handler.
    check(unsafe { wsaddin_client_set_handler(client.0, None, null_mut()) }).unwrap();
}

#[test]
fn a_pong_and_a_close_come_behind_the_answers_to_what_was_sent_before() {
    let handled = Handled::echo(|_| {});
    let mut peer = raw::client(handled.server.port());
    let wire = [
        raw::frame(FIN | TEXT, true, b"one"),
        raw::frame(FIN | PING, true, b"?"),
        raw::frame(FIN | TEXT, true, b"two"),
        raw::frame(FIN | CLOSE, true, &raw::close_body(1000, "")),
    ];
    peer.write_all(&wire.concat()).unwrap();
    let mut seen = Vec::new();
    while let Some(frame) = raw::read_frame(&mut peer) {
        seen.push(frame);
    }
    let pong = seen.iter().position(|(first, _)| *first == FIN | PONG).expect("a pong");
    seen.remove(pong);
    let expected =
        [(FIN | TEXT, b"one".to_vec()), (FIN | TEXT, b"two".to_vec()), (FIN | CLOSE, raw::close_body(1000, ""))];
    assert_eq!(seen, expected);
}

#[test]
fn what_came_before_a_violation_is_answered_first() {
    let handled = Handled::echo(|_| {});
    let mut peer = raw::client(handled.server.port());
    let mut bytes: Vec<u8> =
        (0..20).flat_map(|number| raw::frame(FIN | BINARY, true, &payload(number, 1000))).collect();
    bytes.extend(raw::frame(FIN | 3, true, b""));
    peer.write_all(&bytes).unwrap();
    for number in 0..20 {
        assert_eq!(raw::read_frame(&mut peer), Some((FIN | BINARY, payload(number, 1000))));
    }
    assert_eq!(raw::read_close(&mut peer).map(|close| close.0), Some(1002));
}

#[test]
fn an_answer_that_follows_another_threads_message_comes_behind_it() {
    let (asked, asks) = mpsc::channel::<u64>();
    let (answer, answered) = mpsc::channel::<()>();
    let (asked, answered) = (Mutex::new(asked), Mutex::new(answered));
    let handled = Handled::new(
        |_| {},
        move |server, _, event| {
            if event.event == WSADDIN_EVENT_MESSAGE {
                assert_eq!(reply(server, &event), WSADDIN_OK);
                if event.data == b"ask" {
                    asked.lock().unwrap().send(event.connection).unwrap();
                    answered.lock().unwrap().recv().unwrap();
                }
            }
        },
    );
    let server = wsaddin_server { id: handled.server.0.id };
    let thread = std::thread::spawn(move || {
        for connection in asks {
            let data = b"from another thread".to_vec();
            let event = Event { event: WSADDIN_EVENT_MESSAGE, kind: WSADDIN_KIND_TEXT, connection, data };
            assert_eq!(reply(server, &event), WSADDIN_OK);
            answer.send(()).unwrap();
        }
    });
    let mut peer = raw::client(handled.server.port());
    for _ in 0..50 {
        let wire = ["before", "ask", "behind", "last"].map(|text| raw::frame(FIN | TEXT, true, text.as_bytes()));
        peer.write_all(&wire.concat()).unwrap();
        for text in ["before", "ask", "from another thread", "behind", "last"] {
            let (_, data) = raw::read_frame(&mut peer).expect("an answer");
            assert_eq!(String::from_utf8(data).unwrap(), text);
        }
    }
    // The handler's end of the channel ends the thread.
    drop(handled);
    thread.join().unwrap();
}

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

#[test]
fn an_answer_then_a_disconnect_arrive_in_that_order() {
    let handled = Handled::new(
        |_| {},
        |server, _, event| {
            if event.event == WSADDIN_EVENT_MESSAGE {
                assert_eq!(reply(server, &event), WSADDIN_OK);
                // SAFETY: a live text.
                let result =
                    unsafe { wsaddin_server_disconnect(server, event.connection, 4000, c"bye".as_ptr().cast(), 3) };
                assert_eq!(result, WSADDIN_OK);
                assert_eq!(reply(server, &event), WSADDIN_CLOSED, "it has gone for the host");
            }
        },
    );
    let mut peer = raw::client(handled.server.port());
    peer.write_all(&raw::frame(FIN | TEXT, true, b"last words")).unwrap();
    assert_eq!(raw::read_frame(&mut peer).expect("the answer").1, b"last words");
    assert_eq!(raw::read_close(&mut peer), Some((4000, "bye".to_owned())));
}

#[test]
fn messages_to_others_go_to_them() {
    let others = Arc::new(Mutex::new(Vec::new()));
    let known = others.clone();
    let handled = Handled::new(
        |_| {},
        move |server, _, event| {
            let mut all = known.lock().unwrap();
            match event.event {
                WSADDIN_EVENT_OPEN => all.push(event.connection),
                WSADDIN_EVENT_MESSAGE => {
                    for other in all.iter() {
                        assert_eq!(reply(server, &Event { connection: *other, ..event.clone() }), WSADDIN_OK);
                    }
                }
                _ => {}
            }
        },
    );
    let mut peers: Vec<_> = (0..5).map(|_| raw::client(handled.server.port())).collect();
    until("all are known", || others.lock().unwrap().len() == 5);
    for number in 0..50 {
        let text = format!("message {number}");
        let sender = number % peers.len();
        peers[sender].write_all(&raw::frame(FIN | TEXT, true, text.as_bytes())).unwrap();
        for peer in &mut peers {
            assert_eq!(raw::read_frame(peer).expect("a message").1, text.as_bytes());
        }
    }
}
