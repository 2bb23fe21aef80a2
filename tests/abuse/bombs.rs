//! Compressed messages that are a thousand times larger than they look.

use crate::alone;
use crate::bystander::{Going, beside};
use crate::deflate::{RSV1, Squeeze, TAIL};
use crate::face::*;
use crate::flow::status_kib;
use crate::raw::{self, BINARY, CONTINUE, FIN};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;
use zlib_rs::DeflateFlush;

/// What the server takes at most.
const LIMIT: usize = 64 * 1024;
/// What a bomb would be, in pieces of a mebibyte.
const MEBIBYTES: usize = 256;
/// Bombs that come together.
const TOGETHER: usize = 64;
/// What all of them together may cost in KiB. The smallest that inflates takes 40 KiB, the messages at their limit 4 MiB.
const ALLOWED: u64 = 24 * 1024;

/// Zeroes, compressed so that each piece stands for itself.
fn piece(size: usize) -> Vec<u8> {
    Squeeze::new(9, 15).flush(&vec![0; size], DeflateFlush::FullFlush)
}

/// A message of that many mebibytes.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut bomb = piece(1 << 20).repeat(mebibytes);
    assert!(bomb.ends_with(&TAIL) && bomb.len() < mebibytes * 2048, "{} bytes", bomb.len());
    bomb.truncate(bomb.len() - TAIL.len());
    bomb
}

/// A client that has agreed on compression.
fn client(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    raw::patient(&stream);
    stream.write_all(raw::request(port, "Sec-WebSocket-Extensions: permessage-deflate\r\n").as_bytes()).unwrap();
    let head = raw::read_head(&mut stream);
    assert!(raw::header(&head, "Sec-WebSocket-Extensions").is_some(), "{head}");
    stream
}

fn resident() -> u64 {
    status_kib("VmRSS:")
}

/// Throws as many bombs as it can, many at a time; how many, and how many KiB more there were at most.
fn throw(port: u16, going: &Going, wires: &[Vec<u8>]) -> (usize, u64) {
    let (mut thrown, before, mut most) = (0, resident(), 0);
    while going.on() {
        let mut streams: Vec<_> = (0..TOGETHER).map(|_| client(port)).collect();
        for (at, stream) in streams.iter_mut().enumerate() {
            // It may be closed while we still write.
            let _ = stream.write_all(&wires[at % wires.len()]);
        }
        most = most.max(resident().saturating_sub(before));
        for stream in &mut streams {
            assert_eq!(raw::read_close(stream).map(|(code, _)| code), Some(1009));
            thrown += 1;
        }
        most = most.max(resident().saturating_sub(before));
    }
    (thrown, most)
}

#[test]
fn many_at_a_time() {
    let _alone = alone();
    let server = Server::running();
    server.max_message_size(LIMIT as i64);
    let bomb = bomb(MEBIBYTES);
    let cut = 100;
    let wires = [
        raw::frame(FIN | RSV1 | BINARY, true, &bomb),
        // In two frames, of which the first is harmless until the second comes.
        [raw::frame(RSV1 | BINARY, true, &bomb[..cut]), raw::frame(FIN | CONTINUE, true, &bomb[cut..])].concat(),
        // Without an end.
        raw::frame(RSV1 | BINARY, true, &bomb),
    ];
    let what = format!("{TOGETHER} bombs at a time, {} bytes that would be {MEBIBYTES} MiB each", bomb.len());
    let (thrown, most) = beside(&what, &server, |going| throw(server.port(), going, &wires));
    println!("{thrown} bombs, {most} KiB more at most");
    assert!(thrown >= TOGETHER && most < ALLOWED, "{thrown} bombs, {most} KiB more");
    until("they have gone", || server.connection_count() == 0);
}

/// Those that stay below the limit and are never finished: what is inflated is held once, and given back.
#[test]
fn many_that_are_never_finished() {
    let _alone = alone();
    let server = Server::running();
    server.max_message_size(LIMIT as i64);
    // Two thirds of what is allowed, so that a third of the same is too much.
    let part = piece(LIMIT / 3 * 2);
    let (first, second) = (raw::frame(RSV1 | BINARY, true, &part), raw::frame(CONTINUE, true, &part));
    let before = resident();
    let what = format!("{TOGETHER} unfinished messages of {} bytes, {} on the wire", LIMIT / 3 * 2, part.len());
    let most = beside(&what, &server, |going| {
        let mut streams: Vec<_> = (0..TOGETHER).map(|_| client(server.port())).collect();
        streams.iter_mut().for_each(|stream| stream.write_all(&first).unwrap());
        while going.on() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let most = resident().saturating_sub(before);
        for mut stream in streams {
            stream.write_all(&second).unwrap();
            assert_eq!(raw::read_close(&mut stream).map(|(code, _)| code), Some(1009));
        }
        most
    });
    until("they have gone", || server.connection_count() == 0);
    println!("{most} KiB more");
    assert!(most < ALLOWED, "{most} KiB more");
}
