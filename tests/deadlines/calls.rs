//! Calls on an open connection whose peer is frozen.

use super::*;

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
        .args(["--exact", "calls::a_process_to_be_stopped", "--ignored", "--nocapture"])
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
