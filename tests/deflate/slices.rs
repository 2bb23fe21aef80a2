//! Large messages, which are compressed and expanded in slices: nobody else waits for them, and what belongs to the same
//! connection keeps its order.

use crate::deflate::{RSV1, squeeze};
use crate::face::*;
use crate::raw::{self, BINARY, CLOSE, FIN, TEXT};
use crate::{noise, offering, words};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use websocket_addin::capi::*;

const MIB: usize = 1 << 20;
/// Bytes of a send queue for several large messages.
const ROOM: i64 = 64 << 20;

/// A text that takes a while to compress.
fn text(size: usize) -> String {
    let mut text: String = noise(size / 2).iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    text.push_str(&words(size - text.len()));
    text
}

fn connected(server: &Server) -> Client {
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    client.event().of(WSADDIN_EVENT_OPEN);
    client
}

#[test]
fn what_surrounds_a_large_message_keeps_its_place() {
    for context in [0, 1] {
        let server = Server::new();
        server.compression_context(context).send_queue_bytes(ROOM).run("127.0.0.1", 0).unwrap();
        let client = Client::new();
        client.compression_context(context).connect(&server.url()).unwrap();
        let connection = server.opened();
        client.event();
        let large = text(2 * MIB);
        let sent = ["first", &large, "second", &text(40_000), &text(3000), &large[..MIB], "last"];
        for text in sent {
            server.send(connection, text).unwrap();
            client.send(text).unwrap();
        }
        for text in sent {
            assert!(server.event().text() == text && client.event().text() == text, "{context}: {}", text.len());
        }
        assert_eq!((client.buffered_amount(), client.queued()), (0, 0));
        let on_the_wire = server.statistics()["bytes_in"].as_u64().unwrap();
        assert!(on_the_wire < 5 * MIB as u64 / 2, "it was compressed: {on_the_wire}");
    }
}

#[test]
fn what_does_not_shrink_goes_out_as_it_is() {
    for context in [0, 1] {
        let server = Server::new();
        server.compression_context(context).run("127.0.0.1", 0).unwrap();
        let (mut stream, _) = offering(&server, "permessage-deflate");
        let connection = server.opened();
        let (dense, text) = (noise(2 * MIB), text(100_000));
        server.send(connection, &text).unwrap();
        server.send_binary(connection, &dense).unwrap();
        server.send(connection, &text).unwrap();
        assert_eq!(raw::read_frame(&mut stream).unwrap().0, FIN | TEXT | RSV1);
        let (first, payload) = raw::read_frame(&mut stream).unwrap();
        assert!(first == FIN | BINARY && payload == dense);
        assert_eq!(raw::read_frame(&mut stream).unwrap().0, FIN | TEXT | RSV1);
    }
}

/// How many messages of `other` come back until `done` says so.
fn echoes(server: &Server, other: &Client, id: u64, done: impl Fn() -> bool) -> usize {
    let mut count = 0;
    while !done() {
        other.send("ping").unwrap();
        let ping = server.event();
        assert_eq!((ping.connection, ping.text()), (id, "ping"));
        server.send(id, "pong").unwrap();
        assert_eq!(other.event().text(), "pong");
        count += 1;
    }
    count
}

/// Set when it goes, by a failure, too.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn others_go_on_meanwhile() {
    let server = Server::running();
    // A slow machine must not put pings in front.
    server.ping_interval(0);
    let other = Client::new();
    other.compression(0).connect(&server.url()).unwrap();
    let id = server.opened();
    other.event().of(WSADDIN_EVENT_OPEN);
    let (mut stream, _) = offering(&server, "permessage-deflate");
    let connection = server.opened();
    let large = text(6 * MIB);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        server.send(connection, &large).unwrap();
        scope.spawn(|| {
            let _done = Done(&done);
            let mut first = [0];
            // It begins to come when all of it is compressed, however long that takes.
            stream.set_read_timeout(None).unwrap();
            stream.read_exact(&mut first).unwrap();
            assert_eq!(first, [FIN | TEXT | RSV1]);
        });
        let count = echoes(&server, &other, id, || done.load(SeqCst));
        assert!(count >= 5, "{count} echoes while 6 MiB were compressed");
    });
}

/// What expands a thousandfold, and what follows it.
#[test]
fn a_small_message_that_expands_to_a_large_one() {
    let server = Server::running();
    server.ping_interval(0);
    let other = connected(&server);
    let id = server.opened();
    let (mut stream, _) = offering(&server, "permessage-deflate");
    let connection = server.opened();
    let zeros = "0".repeat(48 * MIB);
    let bomb = raw::frame(FIN | TEXT | RSV1, true, &squeeze(zeros.as_bytes()));
    assert!(bomb.len() < 64 * 1024);
    let small = raw::frame(FIN | TEXT | RSV1, true, &squeeze(words(500).as_bytes()));
    stream.write_all(&[&raw::frame(FIN | TEXT, true, b"first"), &bomb[..], &small, &small].concat()).unwrap();
    other.send("ping").unwrap();
    let mut from_other = 0;
    let mut got = Vec::new();
    while got.len() < 4 || from_other == 0 {
        let event = server.event();
        match event.connection {
            from if from == id => from_other += 1,
            from => {
                assert_eq!(from, connection);
                got.push(event.text().to_owned());
            }
        }
    }
    assert!(got[0] == "first" && got[1] == zeros && got[2..] == [words(500), words(500)]);
}

#[test]
fn what_is_wrong_in_the_middle_of_slices_closes_with_its_code() {
    let server = Server::new();
    server.max_message_size(8 * MIB as i64).run("127.0.0.1", 0).unwrap();
    let other = connected(&server);
    let id = server.opened();
    let mut broken = "я".repeat(2 * MIB).into_bytes();
    broken.push(0xff);
    let cut = squeeze(&text(2 * MIB).into_bytes());
    for (code, payload) in [
        (1009, squeeze("0".repeat(9 * MIB).as_bytes())),
        (1007, squeeze(&broken)),
        (1007, [&cut[..cut.len() / 2], &[0xff; 9]].concat()),
    ] {
        let (mut stream, _) = offering(&server, "permessage-deflate");
        let connection = server.opened();
        // The peer may be told before it has written everything.
        let _ = stream.write_all(&raw::frame(FIN | TEXT | RSV1, true, &payload));
        assert_eq!(raw::read_close(&mut stream).map(|(code, _)| code), Some(code));
        let close = server.event();
        assert_eq!((close.connection, close.close().0), (connection, i64::from(code)));
        assert_eq!(echoes(&server, &other, id, once()), 1);
    }
}

/// False, and then true.
fn once() -> impl Fn() -> bool {
    let asked = AtomicBool::new(false);
    move || asked.swap(true, SeqCst)
}

#[test]
fn a_close_waits_for_what_was_sent_before_and_an_abort_does_not() {
    let large = text(3 * MIB);
    let server = Server::running();
    server.close_timeout(60_000).send_queue_bytes(ROOM);
    let (mut stream, _) = offering(&server, "permessage-deflate");
    let connection = server.opened();
    server.send(connection, &large).unwrap();
    server.send(connection, "behind").unwrap();
    assert_eq!(server.disconnect(connection, 4000, "enough"), Ok(true));
    assert_eq!(raw::read_frame(&mut stream).unwrap().0, FIN | TEXT | RSV1);
    assert_eq!(raw::read_frame(&mut stream), Some((FIN | TEXT, b"behind".to_vec())));
    assert_eq!(raw::read_close(&mut stream), Some((4000, "enough".into())));
    drop(stream);
    server.expect(WSADDIN_EVENT_CLOSE);

    // A peer that closes gets its answer at once.
    let (mut stream, _) = offering(&server, "permessage-deflate");
    let connection = server.opened();
    server.send(connection, &large).unwrap();
    stream.write_all(&raw::frame(FIN | CLOSE, true, &raw::close_body(1000, ""))).unwrap();
    let close = std::iter::from_fn(|| raw::read_frame(&mut stream)).find(|(first, _)| *first == FIN | CLOSE);
    assert_eq!(close, Some((FIN | CLOSE, raw::close_body(1000, ""))));
    assert_eq!(server.event().close().0, 1000);

    // Nothing of it is left when the objects have gone.
    for _ in 0..3 {
        let server = Server::running();
        server.close_timeout(0);
        let client = connected(&server);
        client.close_timeout(0);
        let connection = server.opened();
        server.send(connection, &large).unwrap();
        client.send(&large).unwrap();
        client.free().unwrap();
        server.stop().unwrap();
        server.free().unwrap();
    }
}

#[test]
fn the_bounds_count_a_message_that_is_being_compressed() {
    let server = Server::running();
    let client = Client::new();
    client.send_timeout(-1).send_queue_bytes(MIB as i64).connect(&server.url()).unwrap();
    let large = text(4 * MIB);
    client.send(&large).unwrap();
    let waiting = client.buffered_amount();
    assert!([0, large.len() as i64].contains(&waiting), "{waiting}");
    let refused = client.send("one more");
    server.opened();
    assert!(server.event().text() == large);
    match refused {
        Ok(()) => assert_eq!(server.event().text(), "one more", "the large one had gone by then"),
        refused => assert_eq!(code(refused), WSADDIN_QUEUE_FULL),
    }
    until("it is written", || client.buffered_amount() == 0);
    client.send("and on").unwrap();
}

#[test]
fn a_session_keeps_what_its_connection_was_compressing() {
    let server = Server::new();
    server.set_name_parameter("name").unwrap();
    server.send_queue_bytes(ROOM).run("127.0.0.1", 0).unwrap();
    let more = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let stream = raw::knock(server.port(), "/?name=a", more);
    server.opened();
    let large = text(4 * MIB);
    assert!(server.send_to_name("a", "first").unwrap());
    assert!(server.send_to_name("a", &large).unwrap());
    assert!(server.send_to_name("a", "last").unwrap());
    drop(stream);
    let client = Client::new();
    client.connect(&format!("{}/?name=a", server.url().trim_end_matches('/'))).unwrap();
    client.event();
    let got: Vec<_> =
        std::iter::from_fn(|| Some(client.event().text().to_owned())).take_while(|text| text != "last").collect();
    // The kernel may have taken what is short before the end was seen.
    assert!(got.last() == Some(&large), "{} messages", got.len());
}
