//! Newcomers that wait for the host's word: through TLS, with a handler, on several I/O threads, and what the host may
//! do with one that it has just let in.

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use face::*;
use std::collections::HashMap;
use std::ffi::c_void;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use websocket_addin::capi::*;

fn knock(server: &Server, target: &str) -> TcpStream {
    raw::knock(server.port(), target, "")
}

fn status_of(mut stream: TcpStream) -> u16 {
    raw::read_head(&mut stream).split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer")
}

#[test]
fn what_is_sent_right_after_the_word_arrives_after_the_answer() {
    let server = Server::running();
    server.manual_accept(1);
    // Some hosts do not wait for `open`.
    for round in 0..50 {
        let mut stream = knock(&server, "/");
        let id = server.expect(WSADDIN_EVENT_PENDING).connection;
        assert!(server.accept(id).unwrap());
        assert!(server.send(id, "at once").unwrap(), "round {round}");
        assert_eq!(server.connection_count(), 1);
        assert_eq!(server.connection_info(id).unwrap().unwrap()["state"], "open");
        assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 101 "));
        assert_eq!(raw::read_frame(&mut stream).unwrap(), (raw::FIN | raw::TEXT, b"at once".to_vec()));
        assert_eq!(server.expect(WSADDIN_EVENT_OPEN).connection, id);
        drop(stream);
        assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).connection, id);
        assert_eq!(server.connection_count(), 0);
    }
}

#[test]
fn one_that_is_closed_right_after_the_word_reads_the_code() {
    let server = Server::running();
    server.manual_accept(1).max_connections(1);
    for round in 0..50 {
        let mut stream = knock(&server, "/");
        let id = server.expect(WSADDIN_EVENT_PENDING).connection;
        assert!(server.accept(id).unwrap());
        assert!(server.send(id, "goodbye").unwrap());
        assert!(server.disconnect(id, 4000, "changed my mind").unwrap(), "round {round}");
        assert!(!server.disconnect(id, 4000, "").unwrap());
        assert_eq!((server.connection_count(), server.connections().as_str()), (0, ""));
        assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 101 "));
        assert_eq!(raw::read_frame(&mut stream).unwrap().1, b"goodbye");
        assert_eq!(raw::read_close(&mut stream), Some((4000, "changed my mind".to_owned())));
        let answer = raw::frame(raw::FIN | raw::CLOSE, true, &raw::close_body(4000, ""));
        stream.write_all(&answer).unwrap();
        assert_eq!(server.expect(WSADDIN_EVENT_OPEN).connection, id);
        assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).connection, id);
    }
}

#[test]
fn a_newcomer_waits_through_tls_as_well() {
    let _turn = tls::turn();
    let authority = tls::Authority::with_server("pending");
    let server = authority.server("server");
    server.manual_accept(1);
    let client = authority.client();
    client.begin_connect(&(server.secure_url("localhost") + "secret/way?x=1")).unwrap();
    let pending = server.expect(WSADDIN_EVENT_PENDING);
    let (id, info) = (pending.connection, pending.json());
    assert_eq!((&info["path"], &info["query"]), (&"/secret/way".into(), &"x=1".into()));
    assert_eq!((&info["secure"], &info["state"]), (&true.into(), &"pending".into()));
    assert_eq!(client.ready_state(), 0, "it waits with us");
    assert!(server.accept(id).unwrap());
    assert!(server.send(id, "welcome").unwrap());
    assert_eq!(server.expect(WSADDIN_EVENT_OPEN).connection, id);
    assert_eq!(client.receive(SOON).unwrap().event().text(), "welcome");
    client.send("thank you").unwrap();
    let thanks = server.expect(WSADDIN_EVENT_MESSAGE);
    assert_eq!((thanks.connection, thanks.text()), (id, "thank you"));
    assert!(client.disconnect(1000, "").unwrap());
    assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).connection, id);
    // A refusal, and one for which nobody decides.
    client.begin_connect(&server.secure_url("localhost")).unwrap();
    let id = server.expect(WSADDIN_EVENT_PENDING).connection;
    assert!(server.reject(id, 429, "").unwrap());
    let refused = client.event();
    assert!(refused.event == WSADDIN_EVENT_ERROR && refused.text().contains("429"), "{refused:?}");
    server.accept_timeout(50);
    let fault = client.connect(&server.secure_url("localhost")).unwrap_err();
    assert!(fault.code == WSADDIN_HANDSHAKE && fault.text.contains("503"), "{fault:?}");
    // One that leaves while it waits.
    server.accept_timeout(600_000);
    while !matches!(server.receive_event(-1), Ok(Got::Timeout)) {}
    client.begin_connect(&server.secure_url("localhost")).unwrap();
    let id = server.expect(WSADDIN_EVENT_PENDING).connection;
    client.disconnect(1000, "").unwrap();
    assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).connection, id);
    assert!(!server.accept(id).unwrap());
}

/// What the handler below needs.
struct Host {
    server: wsaddin_server,
    told: Sender<(i32, u64, String)>,
}

/// Decides by the path, on the I/O thread: `/no` is refused, `/later` waits.
extern "C" fn decide(message: *const wsaddin_message, user_data: *mut c_void) {
    // SAFETY: the box that the test keeps until the handler is taken away, and the message of this call.
    let (host, event, id, text) = unsafe {
        let data = std::slice::from_raw_parts(wsaddin_message_data(message), wsaddin_message_size(message));
        let text = String::from_utf8_lossy(data).into_owned();
        (&*user_data.cast::<Host>(), wsaddin_message_event(message), wsaddin_message_connection(message), text)
    };
    if event == WSADDIN_EVENT_PENDING {
        let info: serde_json::Value = serde_json::from_str(&text).expect("ConnectionInfo");
        let result = match info["path"].as_str() {
            // SAFETY: a live slice.
            Some("/no") => unsafe { wsaddin_server_reject(host.server, id, 404, b"nothing here".as_ptr().cast(), 12) },
            Some("/later") => WSADDIN_OK,
            _ => {
                let accepted = wsaddin_server_accept(host.server, id);
                // SAFETY: a live slice.
                accepted.max(unsafe { wsaddin_server_send_text(host.server, id, b"hello".as_ptr().cast(), 5) })
            }
        };
        assert_eq!(result, WSADDIN_OK);
    }
    let _ = host.told.send((event, id, text));
}

fn told(events: &Receiver<(i32, u64, String)>) -> (i32, u64) {
    let (event, id, _) = events.recv_timeout(Duration::from_secs(20)).expect("the handler is told");
    (event, id)
}

#[test]
fn a_handler_decides_on_the_spot_or_leaves_it_to_others() {
    let server = Server::new();
    let (sender, events) = channel();
    let host = Box::new(Host { server: wsaddin_server { id: server.0.id }, told: sender });
    let user_data = (&raw const *host).cast_mut().cast();
    // SAFETY: the box outlives the handler, which is taken away below.
    check(unsafe { wsaddin_server_set_handler(server.0, Some(decide), user_data) }).unwrap();
    server.manual_accept(1);
    server.run("127.0.0.1", 0).unwrap();
    for round in 0..20 {
        let mut stream = knock(&server, "/");
        assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 101 "), "round {round}");
        assert_eq!(raw::read_frame(&mut stream).unwrap().1, b"hello");
        let (event, id) = told(&events);
        assert_eq!(event, WSADDIN_EVENT_PENDING);
        assert_eq!(told(&events), (WSADDIN_EVENT_OPEN, id));
        drop(stream);
        assert_eq!(told(&events), (WSADDIN_EVENT_CLOSE, id));
        assert_eq!(status_of(knock(&server, "/no")), 404);
        assert_eq!(told(&events).0, WSADDIN_EVENT_PENDING);
        // Decided by another thread.
        let stream = knock(&server, "/later");
        let (event, id) = told(&events);
        assert_eq!(event, WSADDIN_EVENT_PENDING);
        assert!(server.accept(id).unwrap());
        assert_eq!(told(&events), (WSADDIN_EVENT_OPEN, id));
        assert_eq!(status_of(stream), 101);
        assert_eq!(told(&events), (WSADDIN_EVENT_CLOSE, id));
    }
    // SAFETY: no handler.
    check(unsafe { wsaddin_server_set_handler(server.0, None, std::ptr::null_mut()) }).unwrap();
    assert!(events.try_recv().is_err(), "a rejected one has no other event");
    server.free().unwrap();
    drop(host);
}

#[test]
fn several_io_threads_ask_for_their_newcomers() {
    let server = Server::new();
    server.io_threads(2).manual_accept(1);
    server.run("127.0.0.1", 0).unwrap();
    let mut streams: HashMap<String, TcpStream> = HashMap::new();
    for _ in 0..40 {
        let stream = knock(&server, "/");
        streams.insert(stream.local_addr().unwrap().to_string(), stream);
    }
    let mut waiting = Vec::new();
    for _ in 0..40 {
        let pending = server.expect(WSADDIN_EVENT_PENDING);
        let (id, info) = (pending.connection, pending.json());
        waiting.push((id, info["address"].as_str().unwrap().to_owned()));
    }
    // In an order of the host's own, from several threads.
    waiting.reverse();
    std::thread::scope(|scope| {
        for half in waiting.chunks(10) {
            let server = &server;
            scope.spawn(move || {
                for (id, _) in half {
                    let done = if id % 4 == 0 { server.reject(*id, 403, "") } else { server.accept(*id) };
                    assert!(done.unwrap());
                    assert_eq!(server.send(*id, &id.to_string()).unwrap(), id % 4 != 0);
                }
            });
        }
    });
    for (id, address) in waiting {
        let mut stream = streams.remove(&address).unwrap();
        let head = raw::read_head(&mut stream);
        if id % 4 == 0 {
            assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
        } else {
            assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
            assert_eq!(raw::read_frame(&mut stream).unwrap().1, id.to_string().as_bytes());
            streams.insert(address, stream);
        }
    }
    assert_eq!(server.connection_count(), 30);
    assert_eq!(streams.len(), 30);
    assert_eq!(server.statistics()["rejected"], serde_json::json!({"403": 10}));
}

/// A message taken with `receive` discards the events before it: who decides must take events.
#[test]
fn who_takes_messages_only_lets_nobody_in() {
    let server = Server::running();
    let mut open = raw::client(server.port());
    server.manual_accept(1).accept_timeout(300);
    let mut waiting = knock(&server, "/");
    until("it waits", || matches!(server.connection_info(2), Ok(Some(_))));
    open.write_all(&raw::frame(raw::FIN | raw::TEXT, true, b"x")).unwrap();
    assert_eq!(server.receive(SOON).unwrap().event().connection, 1);
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}
