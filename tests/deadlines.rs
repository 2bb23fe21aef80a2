//! Disconnect, Stop and free return within their time-outs and 100 ms, and wake every blocked call within 100 ms,
//! whatever the network does: peers are frozen, addresses black holes. Each figure is printed.

mod common {
    pub mod face;
    pub mod raw;
}

use common::face::*;
use common::raw::{self, BlackHole, Peer, Then};
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

// ---- Connect

#[test]
fn a_connect_into_a_black_hole() {
    let _alone = alone();
    let hole = BlackHole::new();
    for timeout in [10_000, 0] {
        let client = Client::new();
        client.connect_timeout(timeout);
        let (blocked, ended) = interrupted(
            "disconnect while dialling",
            AT_ONCE,
            || client.connect(&hole.url()),
            || client.disconnect(1000, ""),
        );
        assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(false)));
        assert_eq!((client.status(), client.ready_state(), client.close_code()), (0, 3, 0));
        assert_eq!(client.receive(0), Ok(Got::Closed));
        let (blocked, ended) =
            interrupted("free while dialling", AT_ONCE, || client.connect(&hole.url()), || client.free());
        assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(())));
        assert_eq!(code(client.free()), WSADDIN_BAD_HANDLE);
    }
    let client = Client::new();
    client.connect_timeout(300);
    let fault = within(Duration::from_millis(300), "connect", || client.connect(&hole.url())).unwrap_err();
    assert_eq!(fault.code, WSADDIN_CONNECT_TIMEOUT);
}

#[test]
fn a_connect_begun_into_a_black_hole() {
    let _alone = alone();
    let hole = BlackHole::new();
    let client = Client::new();
    client.begin_connect(&hole.url()).unwrap();
    let (blocked, ended) = interrupted(
        "disconnect while Receive waits for a connect",
        AT_ONCE,
        || client.receive(0),
        || client.disconnect(1000, ""),
    );
    assert_eq!((blocked, ended), (Ok(Got::Closed), Ok(false)));
    client.begin_connect(&hole.url()).unwrap();
    within(AT_ONCE, "free while dialling", || client.free()).unwrap();
}

#[test]
fn a_connect_whose_handshake_hangs() {
    let _alone = alone();
    let peer = Peer::new(|_| Then::Keep);
    for url in [peer.url(), peer.url().replace("ws:", "wss:")] {
        let client = Client::new();
        let (blocked, ended) =
            interrupted("disconnect", AT_ONCE, || client.connect(&url), || client.disconnect(1000, ""));
        assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(false)));
        let (blocked, ended) = interrupted("free", AT_ONCE, || client.connect(&url), || client.free());
        assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(())));
    }
}

// ---- calls on an open connection whose peer is frozen

#[test]
fn receive_is_woken() {
    let _alone = alone();
    for timeout in [0, 60_000] {
        let (_peer, client) = frozen();
        let (blocked, clean) = interrupted(
            "disconnect while Receive waits",
            CLOSE_TIMEOUT,
            || client.receive(timeout),
            || client.disconnect(1000, ""),
        );
        assert_eq!((blocked, clean), (Ok(Got::Closed), Ok(false)));
        let (_peer, client) = frozen();
        let (blocked, ended) = interrupted(
            "free while Receive waits",
            CLOSE_TIMEOUT,
            || client.receive_event_after_open(timeout),
            || client.free(),
        );
        assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(())));
    }
}

trait AfterOpen {
    fn receive_event_after_open(&self, timeout: i64) -> Outcome<Got>;
}

impl AfterOpen for Client {
    fn receive_event_after_open(&self, timeout: i64) -> Outcome<Got> {
        assert_eq!(self.event().event, WSADDIN_EVENT_OPEN);
        self.receive_event(timeout)
    }
}

/// Each call, blocked, against Disconnect and free.
fn both_ends<T: Send + std::fmt::Debug>(
    what: &str,
    prepare: impl Fn(&Client),
    call: impl Fn(&Client) -> Outcome<T> + Sync,
) {
    let (_peer, client) = frozen();
    prepare(&client);
    let what_disconnect = format!("disconnect while {what} waits");
    let (blocked, clean) =
        interrupted(&what_disconnect, CLOSE_TIMEOUT, || call(&client), || client.disconnect(1000, ""));
    assert_eq!((code(blocked), clean), (WSADDIN_CANCELLED, Ok(false)), "{what_disconnect}");
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (0, 3, 1006));
    let (_peer, client) = frozen();
    prepare(&client);
    let (blocked, ended) =
        interrupted(&format!("free while {what} waits"), CLOSE_TIMEOUT, || call(&client), || client.free());
    assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(())), "free while {what} waits");
}

#[test]
fn ping_is_woken() {
    let _alone = alone();
    both_ends("Ping", |_| {}, |client| client.ping(0));
}

#[test]
fn request_is_woken() {
    let _alone = alone();
    both_ends("Request", |_| {}, |client| client.request("{}", 0));
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

#[test]
fn send_is_woken() {
    let _alone = alone();
    both_ends(
        "Send",
        |client| {
            client.send_queue_bytes(200_000).send_timeout(-1);
            fill(|data| client.send_binary(data));
            client.send_timeout(0);
        },
        |client| client.send_binary(&[0; 200_000]),
    );
}

#[test]
fn wait_any_is_woken() {
    let _alone = alone();
    let (_peer, client) = frozen();
    assert_eq!(client.event().event, WSADDIN_EVENT_OPEN);
    let ids = [client.0.id];
    let (blocked, _) = interrupted(
        "disconnect while wait_any waits",
        CLOSE_TIMEOUT,
        || wait_any(&ids, 0),
        || client.disconnect(1000, ""),
    );
    assert_eq!(blocked, Ok(Some(0)), "ended objects are ready");
    let (_peer, client) = frozen();
    assert_eq!(client.event().event, WSADDIN_EVENT_OPEN);
    let ids = [client.0.id];
    let (blocked, _) = interrupted("free while wait_any waits", CLOSE_TIMEOUT, || wait_any(&ids, 0), || client.free());
    assert_eq!(blocked, Ok(Some(0)));
    assert_eq!(wait_any(&ids, 0), Ok(Some(0)), "bad handles are ready");
}

#[test]
fn disconnect_is_woken_by_free() {
    let _alone = alone();
    let peer = Peer::frozen();
    let client = Client::new();
    client.close_timeout(30_000).connect(&peer.url()).unwrap();
    let (blocked, ended) = interrupted(
        "free while Disconnect waits",
        CLOSE_TIMEOUT,
        || client.disconnect(1000, ""),
        || {
            // A time-out that is set acts at once, also on a close that has begun.
            client.close_timeout(CLOSE_TIMEOUT.as_millis() as i64);
            client.free()
        },
    );
    assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(())));
}

#[test]
fn two_disconnects_wait_for_the_same_end() {
    let _alone = alone();
    let (_peer, client) = frozen();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| within(CLOSE_TIMEOUT, "disconnect", || client.disconnect(4000, "first")));
        until("it closes", || client.ready_state() == 2);
        let second = within(CLOSE_TIMEOUT, "the other disconnect", || client.disconnect(4001, "second"));
        assert_eq!((other.join().unwrap(), second), (Ok(false), Ok(false)));
    });
    assert_eq!(client.close_reason(), "the close handshake was not finished within 300 ms");
}

#[test]
fn close_timeout_0_aborts_at_once() {
    let _alone = alone();
    let (_peer, client) = frozen();
    client.close_timeout(0);
    assert_eq!(within(AT_ONCE, "disconnect with CloseTimeout 0", || client.disconnect(1000, "")), Ok(false));
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (0, 3, 1006));
    let (_peer, client) = frozen();
    client.close_timeout(0);
    within(AT_ONCE, "free with CloseTimeout 0", || client.free()).unwrap();
    // The peer learns at once, by a reset.
    let (tell, told) = std::sync::mpsc::channel();
    let tell = Mutex::new(tell);
    let peer = Peer::websocket(move |stream| {
        let outcome = std::io::Read::read(stream, &mut [0; 1]).map_err(|error| error.kind());
        tell.lock().unwrap().send(outcome).unwrap();
        Then::Close
    });
    let client = Client::new();
    client.close_timeout(0).connect(&peer.url()).unwrap();
    assert_eq!(client.disconnect(1000, ""), Ok(false));
    let seen = told.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(seen, Err(std::io::ErrorKind::ConnectionReset));
}

#[test]
fn a_full_queue_does_not_lengthen_a_close() {
    let _alone = alone();
    let (_peer, client) = frozen();
    client.send_queue_bytes(200_000).send_timeout(-1);
    fill(|data| client.send_binary(data));
    assert_eq!(within(CLOSE_TIMEOUT, "disconnect with a full queue", || client.disconnect(1000, "")), Ok(false));
}

/// A process that is stopped: its kernel answers, it does not.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test of its own: the process that the next tests stop.
#[test]
#[ignore = "runs in a process of its own, which other tests stop"]
fn a_process_to_be_stopped() {
    let Some(url) = std::env::var_os("WSADDIN_STOP_ME") else { return };
    let server = Server::running();
    let client = Client::new();
    if let Some(url) = url.to_str().filter(|url| !url.is_empty()) {
        client.connect(url).unwrap();
    }
    println!("\nport {}", server.port());
    std::io::stdout().flush().unwrap();
    // Echoes until it is killed, or its parent has gone.
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).is_ok_and(|size| size > 0) {}
}

/// Starts it, as a client of `url` if there is one, and stops it. It and its server's port.
fn stopped_process(url: &str, before: impl FnOnce(u16)) -> Stopped {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_to_be_stopped", "--ignored", "--nocapture"])
        .env("WSADDIN_STOP_ME", url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| line.unwrap().strip_prefix("port ").map(|port| port.parse().unwrap()));
    let child = Stopped(child);
    before(port.expect("it tells its port"));
    let pid = i32::try_from(child.0.id()).unwrap();
    // SAFETY: our own child, which has not been waited for.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGSTOP) }, 0);
    until("it is stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(')').unwrap().1.trim_start().starts_with('T')
    });
    child
}

#[test]
fn a_server_that_is_stopped_by_a_signal() {
    let _alone = alone();
    for free in [false, true] {
        let client = Client::new();
        client.close_timeout(CLOSE_TIMEOUT.as_millis() as i64);
        let mut url = String::new();
        let _process = stopped_process("", |port| {
            url = format!("ws://127.0.0.1:{port}/");
            client.connect(&url).unwrap();
        });
        // Its kernel still takes connections.
        let newcomer = Client::new();
        let (blocked, _) = interrupted(
            "disconnect while a stopped process is asked",
            AT_ONCE,
            || newcomer.connect(&url),
            || newcomer.disconnect(1000, ""),
        );
        assert_eq!(code(blocked), WSADDIN_CANCELLED);
        client.send("into the kernel").unwrap();
        let (blocked, ()) = interrupted(
            "the end while the peer is stopped",
            CLOSE_TIMEOUT,
            || client.receive(0),
            || if free { client.free().unwrap() } else { assert_eq!(client.disconnect(1000, ""), Ok(false)) },
        );
        assert_eq!(blocked.ok(), (!free).then_some(Got::Closed));
    }
}

#[test]
fn a_client_that_is_stopped_by_a_signal() {
    let _alone = alone();
    let server = Server::running();
    server.close_timeout(CLOSE_TIMEOUT.as_millis() as i64);
    let _process = stopped_process(&server.url(), |_| assert_eq!(server.opened(), 1));
    let (blocked, ended) =
        interrupted("stop while the client is stopped", CLOSE_TIMEOUT, || server.receive(0), || server.stop());
    assert_eq!((blocked, ended), (Ok(Got::Closed), Ok(())));
    assert_eq!((server.port(), server.connection_count()), (0, 0));
    assert_eq!(server.event().close().0, 1006);
}

// ---- the server

/// A running server and clients that shook hands and do nothing more.
fn frozen_clients(count: usize) -> (Server, Vec<std::net::TcpStream>) {
    let server = Server::running();
    server.close_timeout(CLOSE_TIMEOUT.as_millis() as i64);
    let clients: Vec<_> = (0..count).map(|_| raw::client(server.port())).collect();
    for _ in 0..count {
        server.opened();
    }
    (server, clients)
}

#[test]
fn calls_on_a_server_are_woken_by_stop() {
    let _alone = alone();
    let (server, _clients) = frozen_clients(3);
    let (blocked, ended) =
        interrupted("stop while Receive waits", CLOSE_TIMEOUT, || server.receive(0), || server.stop());
    assert_eq!((blocked, ended), (Ok(Got::Closed), Ok(())));
    let (server, _clients) = frozen_clients(1);
    let (blocked, _) = interrupted("stop while Ping waits", CLOSE_TIMEOUT, || server.ping(1, 0), || server.stop());
    assert_eq!(code(blocked), WSADDIN_CANCELLED);
    let (server, _clients) = frozen_clients(1);
    server.send_queue_bytes(200_000).send_timeout(-1);
    fill(|data| server.send_binary(1, data).map(|sent| assert!(sent)));
    server.send_timeout(0);
    let (blocked, _) =
        interrupted("stop while Send waits", CLOSE_TIMEOUT, || server.send_binary(1, &[0; 200_000]), || server.stop());
    assert_eq!(blocked, Ok(false), "that connection has ended");
    let (server, _clients) = frozen_clients(1);
    let ids = [server.0.id];
    let (blocked, _) = interrupted("stop while wait_any waits", CLOSE_TIMEOUT, || wait_any(&ids, 0), || server.stop());
    assert_eq!(blocked, Ok(Some(0)));
}

#[test]
fn calls_on_a_server_are_woken_by_free() {
    let _alone = alone();
    let (server, _clients) = frozen_clients(3);
    let (blocked, ended) =
        interrupted("free while Receive waits", CLOSE_TIMEOUT, || server.receive_event(0), || server.free());
    assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(())));
    let (server, _clients) = frozen_clients(1);
    let (blocked, _) = interrupted("free while Ping waits", CLOSE_TIMEOUT, || server.ping(1, 0), || server.free());
    assert_eq!(code(blocked), WSADDIN_CANCELLED);
    let (server, _clients) = frozen_clients(1);
    server.send_queue_bytes(200_000).send_timeout(-1);
    fill(|data| server.send_binary(1, data).map(|sent| assert!(sent)));
    server.send_timeout(0);
    let (blocked, _) =
        interrupted("free while Send waits", CLOSE_TIMEOUT, || server.send_binary(1, &[0; 200_000]), || server.free());
    assert_eq!(code(blocked), WSADDIN_CANCELLED);
}

#[test]
fn calls_on_a_connection_are_woken_when_it_is_closed() {
    let _alone = alone();
    let (server, _clients) = frozen_clients(1);
    let (blocked, closed) =
        interrupted("disconnect while Ping waits", AT_ONCE, || server.ping(1, 0), || server.disconnect(1, 1000, ""));
    assert_eq!((code(blocked), closed), (WSADDIN_CANCELLED, Ok(true)));
    let (server, _clients) = frozen_clients(1);
    server.send_queue_bytes(200_000).send_timeout(-1);
    fill(|data| server.send_binary(1, data).map(|sent| assert!(sent)));
    server.send_timeout(0);
    let (blocked, closed) = interrupted(
        "disconnect while Send waits",
        AT_ONCE,
        || server.send_binary(1, &[0; 200_000]),
        || server.disconnect(1, 1000, ""),
    );
    assert_eq!((blocked, closed), (Ok(false), Ok(true)), "that connection has ended");
}

#[test]
fn stop_with_newcomers_and_many_frozen_clients() {
    let _alone = alone();
    let (server, _clients) = frozen_clients(20);
    // In the middle of their handshakes.
    let newcomers: Vec<_> = (0..5)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
            stream
        })
        .collect();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| within(CLOSE_TIMEOUT, "stop", || server.stop()));
        within(CLOSE_TIMEOUT, "a concurrent stop", || server.stop()).unwrap();
        other.join().unwrap().unwrap();
    });
    assert_eq!((server.port(), server.connection_count()), (0, 0));
    for _ in 0..20 {
        assert_eq!(server.event().close().0, 1006);
    }
    assert_eq!(server.receive_event(0), Ok(Got::Closed));
    drop(newcomers);
}

#[test]
fn stop_with_close_timeout_0() {
    let _alone = alone();
    let (server, _clients) = frozen_clients(3);
    server.close_timeout(0);
    within(AT_ONCE, "stop with CloseTimeout 0", || server.stop()).unwrap();
    let (server, _clients) = frozen_clients(3);
    server.close_timeout(0);
    within(AT_ONCE, "free with CloseTimeout 0", || server.free()).unwrap();
}

#[test]
fn a_newcomer_that_says_nothing() {
    let _alone = alone();
    let server = Server::running();
    server.handshake_timeout(300);
    let mut silent = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&silent);
    within(Duration::from_millis(300), "HandshakeTimeout", || {
        assert!(!matches!(std::io::Read::read(&mut silent, &mut [0; 1]), Ok(1)), "closed without an answer");
    });
    until("it is counted", || server.statistics()["rejected"]["handshake"] == 1);
}
