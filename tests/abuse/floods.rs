//! Frames without end.

use crate::alone;
use crate::bystander::{Going, beside};
use crate::face::*;
use crate::flow::status_kib;
use crate::raw::{self, CONTINUE, FIN, PING, PONG, TEXT};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const FLOODERS: usize = 4;

/// Each of the flooders writes `bytes` over and over and reads what comes back; frames and answers in bytes.
fn flood(port: u16, going: &Going, first: &[u8], bytes: &[u8]) -> (u64, u64) {
    let (sent, answered) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..FLOODERS {
            scope.spawn(|| {
                let mut stream = raw::client(port);
                stream.write_all(first).unwrap();
                let mut reader = stream.try_clone().unwrap();
                let answered = &answered;
                let reading = scope.spawn(move || drain(&mut reader, answered));
                while going.on() {
                    stream.write_all(bytes).unwrap();
                    sent.fetch_add(bytes.len() as u64, Relaxed);
                }
                stream.shutdown(std::net::Shutdown::Both).unwrap();
                reading.join().unwrap();
            });
        }
    });
    (sent.into_inner(), answered.into_inner())
}

fn drain(stream: &mut TcpStream, count: &AtomicU64) {
    let mut sink = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut sink) {
            Ok(0) => return,
            Ok(size) => drop(count.fetch_add(size as u64, Relaxed)),
            // Nothing to answer, for a while.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

#[test]
fn pings() {
    let _alone = alone();
    let server = Server::running();
    let frame = raw::frame(FIN | PING, true, b"");
    let many = frame.repeat(10_000);
    let before = status_kib("VmRSS:");
    let (sent, answered) = beside("pings from 4 clients", &server, |going| flood(server.port(), going, b"", &many));
    println!("{} pings, {} pongs", sent / 6, answered / 2);
    assert!(sent > 6 * 10_000 * FLOODERS as u64 && answered > 0);
    let grown = status_kib("VmRSS:").saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more");
}

/// Who does not read the answers is answered the latest ping only, and costs no memory.
#[test]
fn pings_of_one_who_does_not_read() {
    let _alone = alone();
    let server = Server::running();
    let before = status_kib("VmRSS:");
    let sent = beside("pings whose answers nobody reads", &server, |going| {
        let mut stream = raw::client(server.port());
        let many = raw::frame(FIN | PING, true, &[7; 125]).repeat(1000);
        let mut sent = 0;
        while going.on() {
            stream.write_all(&many).unwrap();
            sent += 1000;
        }
        stream.write_all(&raw::frame(FIN | PING, true, b"the last")).unwrap();
        // However many were left out, the latest is answered.
        let latest = std::iter::from_fn(|| raw::read_frame(&mut stream)).find(|(_, payload)| payload == b"the last");
        assert_eq!(latest.map(|(first, _)| first), Some(FIN | PONG));
        sent
    });
    println!("{sent} pings");
    let grown = status_kib("VmRSS:").saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more");
}

/// A message in pieces of one byte, until it is larger than any may be.
#[test]
fn fragments_of_one_byte() {
    let _alone = alone();
    let server = Server::running();
    server.max_message_size(1 << 30);
    let begin = raw::frame(TEXT, true, b"x");
    let many = raw::frame(CONTINUE, true, b"x").repeat(10_000);
    let (sent, _) =
        beside("fragments of one byte from 4 clients", &server, |going| flood(server.port(), going, &begin, &many));
    println!("{} fragments", sent / 7);
    assert!(sent > 7 * 10_000 * FLOODERS as u64);
}

#[test]
fn empty_fragments() {
    let _alone = alone();
    let server = Server::running();
    let begin = raw::frame(TEXT, true, b"x");
    let many = raw::frame(CONTINUE, true, b"").repeat(10_000);
    let (sent, _) =
        beside("empty fragments from 4 clients", &server, |going| flood(server.port(), going, &begin, &many));
    println!("{} fragments", sent / 6);
    assert!(sent > 6 * 10_000 * FLOODERS as u64);
}

/// What ends at `MaxMessageSize` ends there for a message of many pieces, too.
#[test]
fn fragments_up_to_the_limit() {
    let _alone = alone();
    let server = Server::running();
    server.max_message_size(100_000);
    let ends = beside("messages of 1-byte fragments that grow too big", &server, |going| {
        let mut ends = 0;
        while going.on() {
            let mut stream = raw::client(server.port());
            stream.write_all(&raw::frame(TEXT, true, b"x")).unwrap();
            let many = raw::frame(CONTINUE, true, b"x").repeat(100_000);
            // It may be closed while we still write.
            let _ = stream.write_all(&many);
            assert_eq!(raw::read_close(&mut stream).map(|(code, _)| code), Some(1009));
            ends += 1;
        }
        ends
    });
    println!("{ends} messages");
    assert!(ends > 0);
    until("they have gone", || server.connection_count() == 0);
}
