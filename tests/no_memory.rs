//! No memory for what a message needs: an allocator that refuses large pieces while it is told to. With a report of
//! panics that takes memory, too (`RUST_BACKTRACE`).

mod common;
#[path = "common/deflate.rs"]
mod deflate;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;

use face::{Client, SOON, Server, code};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use websocket_addin::capi::*;

/// Pieces of this size and above are refused.
static REFUSED: AtomicUsize = AtomicUsize::new(usize::MAX);
static REFUSALS: AtomicUsize = AtomicUsize::new(0);

struct Scarce;

fn is_refused(size: usize) -> bool {
    let refused = size >= REFUSED.load(SeqCst);
    REFUSALS.fetch_add(usize::from(refused), SeqCst);
    refused
}

// SAFETY: the system's allocator, or NULL, which says that there is no memory.
unsafe impl GlobalAlloc for Scarce {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if is_refused(size) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.realloc(piece, layout, size) }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(piece, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Scarce = Scarce;

/// Memory belongs to the process: one test at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it lives no piece of this size is to be had.
struct Scarcity;

impl Scarcity {
    fn of(size: usize) -> Self {
        REFUSALS.store(0, SeqCst);
        REFUSED.store(size, SeqCst);
        Self
    }
}

impl Drop for Scarcity {
    fn drop(&mut self) {
        REFUSED.store(usize::MAX, SeqCst);
    }
}

/// A client and a server that compress, and the bytes that left the client.
struct Pair {
    server: Server,
    client: Client,
    connection: u64,
}

impl Pair {
    fn new(takeover: i64) -> Self {
        // SAFETY: before any thread of the library looks at it.
        unsafe { std::env::set_var("RUST_BACKTRACE", "1") };
        let (server, client) = (Server::new(), Client::new());
        for code in [
            wsaddin_server_set_compression_context(server.0, takeover),
            wsaddin_client_set_compression_context(client.0, takeover),
        ] {
            assert_eq!(code, WSADDIN_OK);
        }
        server.run("127.0.0.1", 0).unwrap();
        client.connect(&server.url()).unwrap();
        assert!(client.extensions().contains("permessage-deflate"), "{}", client.extensions());
        let connection = server.opened();
        Self { server, client, connection }
    }

    /// Sends a text there and back; how many bytes left the client.
    fn talk(&self, text: &str) -> i64 {
        let sent = || self.client.statistics()["bytes_out"].as_i64().unwrap();
        let before = sent();
        self.client.send(text).unwrap();
        assert_eq!(self.server.event().text(), text);
        self.server.send(self.connection, text).unwrap();
        assert_eq!(self.client.receive(SOON).unwrap().event().text(), text);
        sent() - before
    }

    fn end(self) {
        self.client.free().unwrap();
        self.server.free().unwrap();
    }
}

#[test]
fn without_memory_for_a_compressor_a_message_goes_uncompressed() {
    let _turn = turn();
    let text = "the same words again and again, ".repeat(300);
    for takeover in [0, 1] {
        let pair = Pair::new(takeover);
        {
            // A compressor takes more, an inflater less.
            let _scarcity = Scarcity::of(100 * 1024);
            for _ in 0..3 {
                let sent = pair.talk(&text);
                assert!(sent >= text.len() as i64, "{sent} of {} after {} refusals", text.len(), REFUSALS.load(SeqCst));
            }
            assert!(REFUSALS.load(SeqCst) > 0);
        }
        for _ in 0..3 {
            assert!(pair.talk(&text) < text.len() as i64 / 4);
        }
        pair.end();
    }
}

#[test]
fn without_memory_for_an_inflater_the_connection_is_closed_with_1011() {
    let _turn = turn();
    // SAFETY: before any thread of the library looks at it.
    unsafe { std::env::set_var("RUST_BACKTRACE", "1") };
    let text = "the same words again and again, ".repeat(300);
    let packed = raw::frame(raw::FIN | deflate::RSV1 | raw::TEXT, true, &deflate::squeeze(text.as_bytes()));
    let server = Server::running();
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    {
        // An inflater takes about 48 KiB, its window alone 32.
        let _scarcity = Scarcity::of(45 * 1024);
        let mut peer = raw::knock(server.port(), "/", offer);
        assert!(raw::read_head(&mut peer).contains("permessage-deflate"));
        server.opened();
        peer.write_all(&packed).unwrap();
        assert_eq!(raw::read_close(&mut peer).map(|(code, _)| code), Some(1011));
        assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).close().0, 1011);
        assert!(REFUSALS.load(SeqCst) > 0);
    }
    let mut peer = raw::knock(server.port(), "/", offer);
    raw::read_head(&mut peer);
    server.opened();
    peer.write_all(&packed).unwrap();
    assert_eq!(server.event().text(), text);
    server.free().unwrap();
}

#[test]
fn without_memory_for_a_message_a_send_fails_and_nothing_else() {
    let _turn = turn();
    let pair = Pair::new(0);
    let large: Vec<u8> = (0..400_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    {
        let _scarcity = Scarcity::of(300 * 1024);
        assert_eq!(code(pair.client.send_binary(&large)), WSADDIN_NO_MEMORY);
    }
    // Nothing was harmed.
    pair.talk("still there");
    pair.end();
}

#[test]
fn without_memory_for_a_large_message_its_connection_ends_and_others_live() {
    let _turn = turn();
    let pair = Pair::new(0);
    let mut peer = raw::client(pair.server.port());
    let connection = pair.server.opened();
    let large = raw::frame(raw::FIN | raw::TEXT, true, &vec![b'x'; 2_000_000]);
    {
        let _scarcity = Scarcity::of(1024 * 1024);
        // It may be told before it has sent all.
        let _ = peer.write_all(&large);
        let event = pair.server.expect(WSADDIN_EVENT_CLOSE);
        assert_eq!((event.connection, event.close().0), (connection, 1011));
        assert!(event.close().1.contains("out of memory"), "{}", event.text());
        assert!(REFUSALS.load(SeqCst) > 0);
        pair.talk("meanwhile");
        assert_eq!(raw::read_close(&mut peer).map(|(code, _)| code), Some(1011));
    }
    let mut peer = raw::client(pair.server.port());
    pair.server.opened();
    peer.write_all(&large).unwrap();
    assert_eq!(pair.server.event().data.len(), 2_000_000);
    pair.end();
}

#[test]
fn without_memory_for_more_places_a_receive_queue_is_full_and_loses_nothing() {
    let _turn = turn();
    let number = 60_000;
    let flood: Vec<u8> =
        (0..number).flat_map(|at| raw::frame(raw::FIN | raw::TEXT, true, format!("{at}").as_bytes())).collect();
    let server = Server::running();
    // What one connection may have waiting is not what stops it here.
    server.receive_queue_messages(400_000).connection_queue_messages(100_000);
    let mut peer = raw::client(server.port());
    server.opened();
    let scarcity = Scarcity::of(700 * 1024);
    let sender = std::thread::spawn(move || {
        peer.write_all(&flood).unwrap();
        peer
    });
    face::until("places are refused", || REFUSALS.load(SeqCst) > 0);
    let most = server.queued();
    assert!((2000..number).contains(&most), "{most}");
    for at in 0..number {
        assert_eq!(server.event().text(), format!("{at}"));
    }
    drop(scarcity);
    let mut peer = sender.join().unwrap();
    peer.write_all(&raw::frame(raw::FIN | raw::TEXT, true, b"still there")).unwrap();
    assert_eq!(server.event().text(), "still there");
    server.free().unwrap();
}

#[test]
fn without_memory_for_more_places_of_a_send_queue_a_send_fails_and_nothing_else() {
    let _turn = turn();
    let server = Server::running();
    let mut peer = raw::client(server.port());
    let connection = server.opened();
    let text = "x".repeat(200);
    let mut accepted = 0;
    {
        let _scarcity = Scarcity::of(300 * 1024);
        // It reads nothing, so what the kernel does not take waits.
        let failed = (0..300_000).find_map(|_| {
            let failed = server.send(connection, &text).err();
            accepted += usize::from(failed.is_none());
            failed
        });
        assert_eq!(failed.map(|fault| fault.code), Some(WSADDIN_NO_MEMORY));
        assert!(REFUSALS.load(SeqCst) > 0);
    }
    for _ in 0..accepted {
        assert_eq!(raw::read_frame(&mut peer).map(|(_, data)| data.len()), Some(200));
    }
    server.send(connection, "still there").unwrap();
    assert_eq!(raw::read_frame(&mut peer).map(|(_, data)| data), Some(b"still there".to_vec()));
    server.free().unwrap();
}

#[test]
fn without_memory_for_a_list_its_call_fails_and_nothing_else() {
    let _turn = turn();
    let server = Server::running();
    let peers: Vec<_> = (0..60).map(|_| (raw::client(server.port()), server.opened())).collect();
    let mut buffer = vec![0_u8; 256 * 1024];
    let mut list = || {
        let mut needed = 0;
        // SAFETY: a buffer of that size and a place, both writable for the call.
        let code = unsafe {
            wsaddin_server_connection_list(server.0, buffer.as_mut_ptr().cast(), buffer.len(), &raw mut needed)
        };
        (code, needed)
    };
    let (first, whole) = list();
    assert_eq!(first, WSADDIN_OK);
    assert!(whole > 8 * 1024, "{whole}");
    {
        let _scarcity = Scarcity::of(8 * 1024);
        assert_eq!(list(), (WSADDIN_NO_MEMORY, 0));
    }
    {
        // Neither for the recipients.
        let _scarcity = Scarcity::of(60 * size_of::<usize>());
        assert_eq!(code(server.broadcast("all")), WSADDIN_NO_MEMORY);
    }
    assert_eq!(list().0, WSADDIN_OK);
    assert_eq!(server.broadcast("all").unwrap(), 60);
    drop(peers);
    server.free().unwrap();
}
