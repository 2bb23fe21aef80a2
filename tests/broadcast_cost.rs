//! A message for many costs memory and compression once.

mod common {
    pub mod face;
    pub mod names;
    pub mod raw;
}

use common::face::*;
use common::names::shake;
use common::raw;
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Both tests measure the whole process.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The memory of this process that is in use.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
fn a_broadcast_is_kept_once_however_many_wait_for_it() {
    let _turn = turn();
    const COUNT: usize = 100;
    const SIZE: usize = 8 << 20;
    let server = Server::running();
    let stalled: Vec<TcpStream> = (0..COUNT).map(|_| raw::client(server.port())).collect();
    until("all are there", || server.connection_count() == COUNT as i64);
    let before = resident();
    assert_eq!(server.broadcast(&"x".repeat(SIZE)).unwrap(), COUNT as i64);
    until("it waits for all", || {
        let list = server.connection_list();
        list.as_array().unwrap().iter().all(|one| one["queued_out"] == 1 && one["queued_out_bytes"] == SIZE)
    });
    let more = resident().saturating_sub(before);
    assert!(more < COUNT * SIZE / 8, "{more} bytes for a message of {SIZE}");
    server.close_timeout(0);
    drop(stalled);
}

/// The processor time of this process so far.
fn used() -> Duration {
    // Clock ticks of 10 ms: what is measured takes more.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<i64> =
        stat.rsplit_once(") ").unwrap().1.split(' ').filter_map(|field| field.parse().ok()).collect();
    Duration::from_millis((fields[10] + fields[11]) as u64 * 10)
}

/// Peers that take compressed messages and read them as they are, on a thread each.
fn compressed_peers(server: &Server, windows: &[u32], frames: usize) -> Vec<std::thread::JoinHandle<Vec<Vec<u8>>>> {
    let peers = windows.iter().map(|bits| {
        let offer = format!("permessage-deflate; server_no_context_takeover; server_max_window_bits={bits}");
        let (mut stream, head) = shake(server.port(), "/", &format!("Sec-WebSocket-Extensions: {offer}\r\n"));
        assert!(head.contains(&format!("server_max_window_bits={bits}")) || *bits == 15, "{head}");
        assert!(head.contains("permessage-deflate"), "{head}");
        std::thread::spawn(move || (0..frames).map(|_| raw::read_frame(&mut stream).unwrap().1).collect())
    });
    peers.collect()
}

#[test]
fn a_broadcast_is_compressed_once_for_each_window() {
    let _turn = turn();
    const ROUNDS: usize = 3;
    let server = Server::running();
    server.send_queue_bytes(256 << 20);
    let windows = [10, 15].repeat(20);
    let peers = compressed_peers(&server, &windows, 2 * ROUNDS);
    until("all are there", || server.connection_count() == windows.len() as i64);
    // Costs time to compress, and becomes little, so that little else is measured.
    let words = ["socket", "frame", "mask", "opcode", "window", "huffman", "literal", "distance", "close", "ping"];
    let mut dice = 1_u32;
    let text: String = (0..120_000)
        .map(|_| {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            words[(dice >> 16) as usize % words.len()]
        })
        .collect();
    let sent = |server: &Server| server.statistics()["messages_out"].as_u64().unwrap();
    let (mut together, mut apart) = (Duration::MAX, Duration::MAX);
    let count = windows.len() as u64;
    for round in 0..ROUNDS as u64 {
        let begin = used();
        assert_eq!(server.broadcast(&text).unwrap(), count as i64);
        until("it has been sent", || sent(&server) == (2 * round + 1) * count);
        together = together.min(used() - begin);
        let begin = used();
        for id in 1..=count {
            assert!(server.send(id, &text).unwrap());
        }
        until("they have been sent", || sent(&server) == (2 * round + 2) * count);
        apart = apart.min(used() - begin);
    }
    let got: Vec<Vec<Vec<u8>>> = peers.into_iter().map(|peer| peer.join().unwrap()).collect();
    for (at, frames) in got.iter().enumerate() {
        assert_eq!(*frames, got[at % 2], "the same bytes for all of a window");
        assert!(frames.iter().all(|frame| frame.len() < text.len() / 2));
    }
    println!("{together:?} for all at once, {apart:?} apart");
    assert!(together * 3 < apart, "{together:?} for all at once, {apart:?} for one after the other");
}
