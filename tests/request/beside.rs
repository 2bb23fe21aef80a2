//! Other calls beside a request that waits: they get the other messages, in order, and no more than those.

use super::*;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

#[test]
fn a_receiver_gets_all_others_in_order() {
    let (server, client) = pair();
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| client.request("{\"id\":1}", LONG, "id", "").unwrap().text().to_owned());
        let takes = scope.spawn(|| (0..3000).map(|_| client.receive(LONG).unwrap().number()).collect::<Vec<_>>());
        asked(&server);
        for number in 0..3000 {
            if number == 2000 {
                server.send_text(1, "{\"id\":1}").unwrap();
            }
            server.send(1, &numbered(number, 8)).unwrap();
        }
        assert_eq!(asks.join().unwrap(), "{\"id\":1}");
        assert_eq!(takes.join().unwrap(), (0..3000).collect::<Vec<_>>());
    });
}

/// Of two requests each gets its own reply, also when the one whose thread looks at the messages leaves early.
#[test]
fn a_request_that_ends_early_leaves_the_others_theirs() {
    let (server, client) = pair();
    for round in 0..30 {
        std::thread::scope(|scope| {
            let short = scope.spawn(|| client.request("{\"id\":\"short\"}", 1 + round % 3, "id", "").err());
            let long = scope.spawn(|| client.request("{\"id\":\"long\"}", LONG, "id", "").map(|reply| reply.json()));
            let other = scope.spawn(|| client.request("{\"seq\":1}", LONG, "seq", "re").map(|reply| reply.json()));
            (0..3).for_each(|_| drop(asked(&server)));
            (0..200).for_each(|number| server.send(1, &numbered(number, 8)).unwrap());
            assert_eq!(short.join().unwrap(), Some(REQUEST_TIMEOUT));
            server.send_text(1, "{\"re\":1}").unwrap();
            server.send_text(1, "{\"id\":\"long\"}").unwrap();
            assert_eq!(other.join().unwrap(), Ok(json!({"re": 1})));
            assert_eq!(long.join().unwrap(), Ok(json!({"id": "long"})));
        });
        (0..200).for_each(|number| assert_eq!(client.receive(LONG).unwrap().number(), number));
    }
    assert_eq!(client.queued(), 0);
}

/// A reply that comes with the end, in one packet with it, is a reply.
#[test]
fn a_reply_that_comes_with_the_end_is_returned() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Client::new();
    for clean in [true, false] {
        for _ in 0..30 {
            std::thread::scope(|scope| {
                let peer = scope.spawn(|| {
                    let mut peer = Raw::accept(&listener);
                    peer.read();
                    let mut bytes = peer.frame(0x82, &numbered(7, 8));
                    bytes.extend(peer.frame(0x81, b"{\"id\":5}"));
                    bytes.extend(peer.frame(0x82, &numbered(8, 8)));
                    if clean {
                        bytes.extend(peer.frame(0x88, &1000_u16.to_be_bytes()));
                    }
                    std::io::Write::write_all(&mut peer.socket, &bytes).unwrap();
                });
                client.connect(port).unwrap();
                let reply = client.request("{\"id\":5}", 0, "id", "").map(|reply| reply.text().to_owned());
                assert_eq!(reply, Ok("{\"id\":5}".to_owned()), "{}", error_text());
                peer.join().unwrap();
            });
            assert_eq!(client.receive(LONG).unwrap().number(), 7);
            assert_eq!(client.receive(LONG).unwrap().number(), 8);
            assert_eq!(client.receive(LONG).err(), Some(CLOSED));
        }
    }
}

/// Messages that one request keeps others from are told to whoever waits in another way, once they are free.
#[test]
fn wait_any_sees_what_can_be_taken_and_no_more() {
    let (server, client) = pair();
    client.receive_event(LONG).unwrap();
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let counts = scope.spawn(|| {
            let mut got = 0;
            while !ends.load(SeqCst) || client.queued() > 0 {
                if wait_any(&[client.0.id], 20) == Ok(0) {
                    // What it tells of is there.
                    assert!(client.receive(NOW).is_ok(), "told of nothing");
                    got += 1;
                }
            }
            got
        });
        for number in 0..200 {
            let client = &client;
            let request = scope.spawn(move || client.request(&format!("{{\"id\":{number}}}"), LONG, "id", "").is_ok());
            asked(&server);
            server.send(1, &numbered(number, 8)).unwrap();
            server.send_text(1, &format!("{{\"id\":{number}}}")).unwrap();
            assert!(request.join().unwrap());
        }
        ends.store(true, SeqCst);
        assert_eq!(counts.join().unwrap(), 200);
    });
}

/// A handler gets what turns out to be no reply, in order, and the request its reply.
#[test]
fn a_handler_gets_all_others_in_order() {
    unsafe extern "C" fn note(message: *const wsaddin_message, numbers: *mut std::ffi::c_void) {
        // SAFETY: a message that is lent, and the list below, which lives until the handler is taken away.
        let (data, numbers) = unsafe {
            let data = std::slice::from_raw_parts(wsaddin_message_data(message), wsaddin_message_size(message));
            (data, &*numbers.cast::<std::sync::Mutex<Vec<u64>>>())
        };
        if let Ok(number) = data.try_into() {
            numbers.lock().unwrap().push(u64::from_le_bytes(number));
        }
    }
    let (server, client) = pair();
    let numbers = std::sync::Mutex::new(Vec::<u64>::new());
    // SAFETY: `numbers` lives longer than the handler.
    let set = unsafe { wsaddin_client_set_handler(client.0, Some(note), (&raw const numbers).cast_mut().cast()) };
    assert_eq!(set, 0);
    for round in 0..20 {
        std::thread::scope(|scope| {
            let asks = scope.spawn(|| client.request("{\"id\":1}", LONG, "id", "").unwrap().text().to_owned());
            asked(&server);
            (0..100).for_each(|number| server.send(1, &numbered(100 * round + number, 8)).unwrap());
            server.send_text(1, "{\"id\":1}").unwrap();
            assert_eq!(asks.join().unwrap(), "{\"id\":1}");
        });
    }
    until("all have come", SOON, || numbers.lock().unwrap().len() == 2000);
    // SAFETY: no handler.
    assert_eq!(unsafe { wsaddin_client_set_handler(client.0, None, std::ptr::null_mut()) }, 0);
    assert_eq!(*numbers.lock().unwrap(), (0..2000).collect::<Vec<_>>());
}
