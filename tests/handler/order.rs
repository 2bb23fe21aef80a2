//! What is sent from a handler arrives whole, in order, and where it belongs.

use super::*;
use crate::raw::{BINARY, CLOSE, FIN, PING, PONG, TEXT, Then};
use std::io::Write;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

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
