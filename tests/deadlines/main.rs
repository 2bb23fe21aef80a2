//! Disconnect, Stop and free return within their time-outs and 100 ms, and wake every blocked call within 100 ms,
//! whatever the network does: peers are frozen, addresses black holes. Each figure is printed.

#[path = "../common/face.rs"]
mod face;
#[path = "../common/raw.rs"]
mod raw;

mod calls;
mod connecting;
mod server;

use face::*;
use raw::{BlackHole, Peer, Then};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// What is promised beyond the time-outs.
const PROMISED: Duration = Duration::from_millis(100);
/// What a busy machine may add before a thread runs.
const SLACK: Duration = Duration::from_millis(150);

/// One measurement at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints how long it took, and fails beyond the time-out and what is promised.
fn within<T>(timeout: Duration, what: &str, call: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = call();
    let took = start.elapsed();
    println!("{what}: {took:.1?} (time-out {timeout:?})");
    assert!(took < timeout + PROMISED + SLACK, "{what}: {took:?}");
    result
}

const AT_ONCE: Duration = Duration::ZERO;
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);

/// Whether a thread of this process sleeps in the kernel.
fn sleeps(thread: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('S'))
}

/// Ends the process when a test fails while a call may be blocked for good, which nothing else could end.
struct NoHang<'a>(&'a str);

impl Drop for NoHang<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Past the capture of the test's output, which would be lost.
            let _ = writeln!(std::io::stderr(), "{}: failed, and a call may be blocked for good", self.0);
            std::process::exit(101);
        }
    }
}

/// Blocks one thread in `call` and ends it from this one with `end`, which gets the time-out given. What both returned.
fn interrupted<T: Send, E>(
    what: &str,
    timeout: Duration,
    call: impl FnOnce() -> T + Send,
    end: impl FnOnce() -> E,
) -> (T, E) {
    let thread = AtomicI32::new(0);
    std::thread::scope(|scope| {
        let no_hang = NoHang(what);
        let blocked = scope.spawn(|| {
            // SAFETY: it only tells a number.
            thread.store(unsafe { libc::gettid() }, Ordering::SeqCst);
            let result = call();
            (result, Instant::now())
        });
        let mut quiet = 0;
        until("the call is blocked", || {
            let number = thread.load(Ordering::SeqCst);
            quiet = if number != 0 && sleeps(number) { quiet + 1 } else { 0 };
            assert!(!blocked.is_finished(), "{what}: it did not block");
            quiet >= 30
        });
        let start = Instant::now();
        let ended = within(timeout, what, end);
        until(what, || blocked.is_finished());
        drop(no_hang);
        let (result, at) = blocked.join().unwrap();
        let woken = at.saturating_duration_since(start);
        println!("{what}: the blocked call was back after {woken:.1?}");
        assert!(woken < PROMISED + SLACK, "{what}: {woken:?}");
        (result, ended)
    })
}

/// A client of a peer that shook hands and does nothing more.
fn frozen() -> (Peer, Client) {
    let peer = Peer::frozen();
    let client = Client::new();
    client.close_timeout(CLOSE_TIMEOUT.as_millis() as i64).connect(&peer.url()).unwrap();
    (peer, client)
}

/// Sends until the kernel takes no more and the queue is full.
fn fill(mut send: impl FnMut(&[u8]) -> Outcome) {
    let data = vec![0; 100_000];
    let mut full = 0;
    while full < 20 {
        match send(&data) {
            Ok(()) => full = 0,
            Err(fault) => {
                assert_eq!(fault.code, WSADDIN_QUEUE_FULL, "{}", fault.text);
                full += 1;
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}
