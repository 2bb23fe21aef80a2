//! What a connection that says nothing costs the process: every allocation is counted, so the figure is the same each
//! time, whatever the machine does meanwhile.
//!
//! The server runs in a process of its own behind the C interface, its peers are plain sockets in this one.

mod common {
    pub mod deflate;
    pub mod raw;
}
#[path = "common/flow/mod.rs"]
mod flow;

use common::raw;
use flow::{Role, SOON, Server, listen, many_descriptors, role, say, until};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use websocket_addin::capi::*;

/// What a plain connection may cost beside its request.
const LIMIT: f64 = 1024.0;
/// As full as ten thousand make a table that doubles its size.
const LIKE_TEN_THOUSAND: usize = 1250;
/// Tables that double their size have just done so.
const JUST_DOUBLED: usize = 2060;
/// What allocations are told apart by.
const STEP: usize = 16;

/// Live bytes by the size of their block, the last place for all that are larger.
static LIVE: [AtomicIsize; 129] = [const { AtomicIsize::new(0) }; 129];

struct Counting;

/// What a block takes of the heap. The allocator of glibc keeps eight bytes before each.
#[cfg(target_env = "gnu")]
fn block(place: *mut u8, _: usize) -> usize {
    // SAFETY: a live block of the system's allocator.
    unsafe { libc::malloc_usable_size(place.cast()) + 8 }
}

#[cfg(not(target_env = "gnu"))]
fn block(_: *mut u8, size: usize) -> usize {
    size
}

fn count(place: *mut u8, size: usize, sign: isize) {
    if !place.is_null() {
        let size = block(place, size);
        LIVE[(size / STEP).min(LIVE.len() - 1)].fetch_add(sign * size as isize, Relaxed);
    }
}

// SAFETY: the system's allocator does everything.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract.
        let place = unsafe { System.alloc(layout) };
        count(place, layout.size(), 1);
        place
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(place, layout.size(), -1);
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(place, layout) };
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(place, layout.size(), -1);
        // SAFETY: the caller's contract.
        let moved = unsafe { System.realloc(place, layout, size) };
        match moved.is_null() {
            true => count(place, layout.size(), 1),
            false => count(moved, size, 1),
        }
        moved
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The live bytes now, by the size of their block.
fn live() -> String {
    LIVE.iter().map(|bytes| bytes.load(Relaxed).to_string()).collect::<Vec<_>>().join(" ")
}

/// Lets everybody in, with or without compression.
#[test]
#[ignore = "a role that other tests start"]
fn let_in() {
    let Some(compression) = role() else { return };
    let server = Server::new();
    server.set(wsaddin_server_set_max_connections, 30_000);
    server.set(wsaddin_server_set_compression, compression.parse().unwrap());
    server.run("127.0.0.1").unwrap();
    say("port", server.port());
    let server = &server;
    std::thread::scope(|scope| {
        // An `open` that waits to be taken is no part of the figure.
        scope.spawn(move || while server.receive_event(0).is_ok() {});
        while listen() {
            until("they are quiet", SOON, || server.figure("queued_out_bytes") == 0);
            say("live", format!("{} {}", server.figure("connections"), live()));
        }
        server.stop();
    });
}

fn connect(port: u16, more: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    raw::patient(&stream);
    stream.write_all(raw::request(port, more).as_bytes()).unwrap();
    let head = raw::read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(raw::header(&head, "Sec-WebSocket-Extensions").is_some(), !more.is_empty(), "{head}");
    stream
}

/// Bytes of the server's process for each of so many connections beside its request, and the blocks they are in.
fn cost(compression: bool, connections: usize) -> (f64, String) {
    many_descriptors();
    let mut server = Role::start("let_in", if compression { "1" } else { "0" });
    let port: u16 = server.hear("port").parse().unwrap();
    let more = if compression { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
    let ask = |server: &mut Role, expected: usize| -> Vec<i64> {
        loop {
            server.tell("?");
            let all: Vec<i64> = server.hear("live").split(' ').map(|number| number.parse().unwrap()).collect();
            if all[0] == expected as i64 {
                return all[1..].to_vec();
            }
        }
    };
    // What is set up once is there after the first ones.
    let mut streams: Vec<_> = (0..20).map(|_| connect(port, more)).collect();
    let before = ask(&mut server, streams.len());
    streams.extend((0..connections).map(|_| connect(port, more)));
    let after = ask(&mut server, streams.len());
    let sizes: BTreeMap<usize, f64> = before
        .iter()
        .zip(&after)
        .enumerate()
        .map(|(at, (before, after))| (at * STEP, (after - before) as f64 / connections as f64))
        .filter(|(_, bytes)| bytes.abs() >= 0.5)
        .collect();
    // One block, as glibc cuts them.
    let request = ((raw::request(port, more).len() + 8).div_ceil(16) * 16) as f64;
    let total: f64 = sizes.values().sum();
    let blocks: Vec<_> = sizes.iter().map(|(size, bytes)| format!("{size}: {bytes:.0}")).collect();
    (total - request, format!("{request:.0} of the request beside; by the size of the block {}", blocks.join(", ")))
}

#[test]
fn a_silent_connection_costs_less_than_a_kilobyte() {
    for count in [LIKE_TEN_THOUSAND, JUST_DOUBLED] {
        let (bytes, blocks) = cost(false, count);
        println!("{count} silent connections: {bytes:.0} bytes each ({blocks})");
        assert!((300.0..=LIMIT).contains(&bytes), "{bytes}: {blocks}");
    }
}

#[test]
fn compression_adds_little_to_one_that_keeps_no_context() {
    let (plain, _) = cost(false, LIKE_TEN_THOUSAND);
    let (bytes, blocks) = cost(true, LIKE_TEN_THOUSAND);
    println!("{LIKE_TEN_THOUSAND} silent connections with compression: {bytes:.0} bytes each ({blocks})");
    assert!(bytes <= plain + 32.0, "{bytes} and {plain}: {blocks}");
}
