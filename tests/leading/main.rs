//! A call that waits often runs the I/O thread's loop itself: nothing that a host can see changes but the speed.
//!
//! It does so only while the process has one object, so the peers are sockets of the test's own, and the tests take
//! turns. Whether a host's thread runs the loop is read from the system: it then sleeps in the poll, not on a lock.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

#[path = "../common/face.rs"]
mod face;
#[path = "../common/raw.rs"]
mod raw;

mod client;
mod connections;
mod dense;
mod ends;
mod host;
mod others;
mod pressure;
mod several;
mod stress;

use face::*;
use host::{Host, Sleep, Task};
use raw::*;
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// The limit of everything that takes a moment, on a machine that does other things.
const HARD: Duration = Duration::from_secs(5);
/// What such a thing takes most of the time.
const PROMPT: Duration = Duration::from_millis(50);
const ROUNDS: usize = 3;

/// The process for this test alone.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the host's loop needs of an object.
trait Object: Send + Sync + 'static {
    fn next(&self, timeout_ms: i64) -> Outcome<Got>;
    fn reply(&self, to: &Event) -> Outcome<bool>;
}

impl Object for Server {
    fn next(&self, timeout_ms: i64) -> Outcome<Got> {
        self.receive_event(timeout_ms)
    }

    fn reply(&self, to: &Event) -> Outcome<bool> {
        match to.kind {
            WSADDIN_KIND_TEXT => self.send(to.connection, to.text()),
            _ => self.send_binary(to.connection, &to.data),
        }
    }
}

impl Object for Client {
    fn next(&self, timeout_ms: i64) -> Outcome<Got> {
        self.receive_event(timeout_ms)
    }

    fn reply(&self, to: &Event) -> Outcome<bool> {
        self.send(to.text()).map(|()| true)
    }
}

/// The other end of a connection.
struct Peer {
    stream: TcpStream,
    masked: bool,
    said: usize,
}

impl Peer {
    /// A client of that server.
    fn new(server: &Server) -> Self {
        Self { stream: raw::client(server.port()), masked: true, said: 0 }
    }

    fn send(&mut self, first: u8, payload: &[u8]) {
        self.stream.write_all(&frame(FIN | first, self.masked, payload)).expect("the connection is there");
    }

    fn say(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes());
    }

    fn frame(&mut self) -> (u8, Vec<u8>) {
        let (first, payload) = read_frame(&mut self.stream).expect("something comes");
        (first & !FIN, payload)
    }

    /// The next message; pings before it are answered, and signs of life passed over.
    #[track_caller]
    fn hear(&mut self, text: &str) {
        let (first, payload) = loop {
            match self.frame() {
                (PING, payload) => self.send(PONG, &payload),
                (PONG, payload) if payload.is_empty() => {}
                other => break other,
            }
        };
        assert_eq!((first, std::str::from_utf8(&payload).unwrap()), (TEXT, text));
    }

    /// Messages and their echoes, one after the other.
    fn talk(&mut self, count: usize) {
        for _ in 0..count {
            self.said += 1;
            let text = format!("message {}", self.said);
            self.say(&text);
            self.hear(&text);
        }
    }

    /// Messages a little apart, and then their echoes.
    fn patter(&mut self, count: usize, gap: Duration) {
        for number in 0..count {
            self.say(&format!("drop {number}"));
            let begun = Instant::now();
            while begun.elapsed() < gap {
                std::hint::spin_loop();
            }
            std::thread::yield_now();
        }
        (0..count).for_each(|number| self.hear(&format!("drop {number}")));
    }

    /// The host takes nothing for a while in which `count` messages come; then all are answered.
    fn talk_past_a_nap(&mut self, ms: u32, count: usize) {
        let nap = format!("nap {ms}");
        self.say(&nap);
        (0..count).for_each(|number| self.say(&number.to_string()));
        self.hear(&nap);
        (0..count).for_each(|number| self.hear(&number.to_string()));
    }

    /// How long it takes until that text is here, from when something was begun.
    fn hear_since(&mut self, begun: Instant, text: &str) -> Duration {
        self.hear(text);
        begun.elapsed()
    }
}

/// A server, its host and a peer.
struct Led {
    server: Arc<Server>,
    host: Host,
    peer: Peer,
    /// The peer's.
    connection: u64,
    _end: End,
}

/// Frees the server, which ends the host's wait, before the next test begins.
struct End(Arc<Server>, #[expect(dead_code, reason = "held to the end")] MutexGuard<'static, ()>);

impl Drop for End {
    fn drop(&mut self) {
        // Some tests have done it.
        let _ = self.0.free();
    }
}

impl Led {
    fn new(prepare: impl Fn(&Server)) -> Self {
        let alone = alone();
        let server = Server::new();
        server.close_timeout(0);
        prepare(&server);
        server.run("127.0.0.1", 0).unwrap();
        let server = Arc::new(server);
        let host = Host::start(&server);
        let peer = Peer::new(&server);
        let connection = host.expect(WSADDIN_EVENT_OPEN).connection;
        Self { _end: End(server.clone(), alone), server, host, peer, connection }
    }

    /// When this returns, the host waits without limit and runs the loop.
    fn lead_in(&mut self) {
        self.host.lead_in(&mut self.peer);
    }

    /// One more connection, and its id; the host has taken its opening.
    fn newcomer(&self) -> (Peer, u64) {
        let peer = Peer::new(&self.server);
        (peer, self.host.expect(WSADDIN_EVENT_OPEN).connection)
    }

    /// How long something takes while the host leads, or just after it has led.
    #[track_caller]
    fn judge(&mut self, what: &str, mut step: impl FnMut(&mut Self) -> Duration) {
        let time = |_| {
            self.lead_in();
            step(self)
        };
        judge(what, (0..ROUNDS).map(time).collect());
    }
}

/// Runs `wait` on a thread of its own, and returns when that sleeps on a lock: beside the one who leads.
fn beside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    wait: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    let (own, task) = std::sync::mpsc::channel();
    let waiting = scope.spawn(move || {
        own.send(Task::own()).unwrap();
        wait()
    });
    let task = task.recv().unwrap();
    until("it waits", || task.sleep() == Sleep::Lock);
    waiting
}

/// What happens on a busy machine is judged by what happens most of the time.
#[track_caller]
fn judge(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    assert!(median < PROMPT && longest < HARD, "{what}: {times:?}");
}
