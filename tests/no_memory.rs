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
