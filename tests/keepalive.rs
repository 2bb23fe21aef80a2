//! Who pauses is not dead, who is slow is not dead, and who is dead is noticed in time.

#[path = "common/flow/mod.rs"]
mod flow;

use flow::*;
use std::io::Read;
use std::net::{Shutdown, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

const INTERVAL: i64 = 200;
const PONG: i64 = 200;
/// Where the peer has to answer first: a process that a busy machine does not let run for a moment is not gone.
const PATIENT: i64 = 1000;
const NOTICED: Duration = Duration::from_millis(5 * (INTERVAL + PATIENT) as u64);
const PAUSE: Duration = Duration::from_millis(1200);

/// Sends until the queue refuses, or only a few messages; how many.
fn fill(few: bool, mut send: impl FnMut(&[u8]) -> Result<(), i32>) -> u64 {
    if few {
        (0..5).for_each(|number| assert_eq!(send(&numbered(number, 10)), Ok(())));
        return 5;
    }
    let mut number = 0;
    while send(&numbered(number, 65_536)).is_ok() {
        number += 1;
    }
    number
}

/// A paused consumer's keepalive is either as short as the sender's or the default.
fn paused_server(few: bool, both: bool) {
    let server = Server::new();
    server.set(wsaddin_server_set_receive_queue_messages, 4);
    if both {
        server.keepalive(INTERVAL, PONG);
    }
    server.run("127.0.0.1").unwrap();
    let client = Client::new();
    client.keepalive(INTERVAL, PONG).set(wsaddin_client_set_send_timeout, -1);
    client.connect(server.port()).unwrap();
    let count = fill(few, |data| client.send(data));
    until("the server reads no more", SOON, || server.ping(1, 2000) == Err(QUEUE_FULL));
    std::thread::sleep(PAUSE);
    assert_eq!((client.status(), server.count()), (1, 1), "{}", client.close_reason());
    // From here on a busy machine may take its time.
    client.keepalive(INTERVAL, LONG);
    server.keepalive(INTERVAL, LONG);
    for number in 0..count {
        assert_eq!(server.receive(LONG).unwrap().number(), number);
    }
    assert_eq!((client.ping(LONG).err(), server.ping(1, LONG).err()), (None, None));
    assert!(client.disconnect());
}

fn paused_client(few: bool, both: bool) {
    let server = Server::new();
    server.keepalive(INTERVAL, PONG);
    server.run("127.0.0.1").unwrap();
    let client = Client::new();
    client.set(wsaddin_client_set_receive_queue_messages, 2);
    if both {
        client.keepalive(INTERVAL, PONG);
    }
    client.connect(server.port()).unwrap();
    let id = server.next(OPEN, LONG).connection();
    let count = fill(few, |data| server.send(id, data));
    until("the client reads no more", SOON, || client.ping(2000) == Err(QUEUE_FULL));
    std::thread::sleep(PAUSE);
    assert_eq!((client.status(), server.count()), (1, 1), "{}", client.close_reason());
    client.keepalive(INTERVAL, LONG);
    server.keepalive(INTERVAL, LONG);
    for number in 0..count {
        assert_eq!(client.receive(LONG).unwrap().number(), number);
    }
    assert_eq!((client.ping(LONG).err(), server.ping(id, LONG).err()), (None, None));
    assert!(client.disconnect());
}

#[test]
fn a_paused_server_is_not_given_up_while_much_is_sent() {
    paused_server(false, true);
    paused_server(false, false);
}

#[test]
fn a_paused_server_is_not_given_up_while_little_is_sent() {
    paused_server(true, true);
    paused_server(true, false);
}

#[test]
fn a_paused_client_is_not_given_up_while_much_is_sent() {
    paused_client(false, true);
    paused_client(false, false);
}

#[test]
fn a_paused_client_is_not_given_up_while_little_is_sent() {
    paused_client(true, true);
    paused_client(true, false);
}

#[test]
#[ignore = "a role that other tests start"]
fn peer() {
    match role().as_deref() {
        None => {}
        Some("") => {
            let server = Server::running();
            say("port", server.port());
            while listen() {}
        }
        Some(url) => {
            let client = Client::new();
            assert_eq!(client.connect_url(url), Ok(()), "{}", error_text());
            say("connected", 1);
            while listen() {}
        }
    }
}

fn expect_gone(server: &Server, since: Instant, what: &str) {
    let close = server.next(CLOSE, LONG);
    println!("{what}: noticed after {:?}", since.elapsed());
    assert_eq!(close.json()["code"].as_i64(), Some(1011));
    assert_eq!(close.json()["reason"].as_str(), Some("no answer to a ping within 1000 ms"));
    assert!(since.elapsed() < NOTICED, "{:?}", since.elapsed());
    assert_eq!(server.count(), 0);
}

#[test]
fn a_frozen_client_is_noticed() {
    let server = Server::new();
    server.keepalive(INTERVAL, PATIENT);
    server.run("127.0.0.1").unwrap();
    let mut peer = Role::start("peer", &format!("ws://127.0.0.1:{}/", server.port()));
    peer.hear("connected");
    let id = server.next(OPEN, LONG).connection();
    // It lives through several intervals before.
    until("two pings are answered", SOON, || server.figure("pings") >= 2);
    assert!(server.ping(id, LONG).is_ok());
    peer.signal(libc::SIGSTOP);
    expect_gone(&server, Instant::now(), "frozen client");
}

#[test]
fn a_frozen_server_is_noticed() {
    let mut peer = Role::start("peer", "");
    let client = Client::new();
    client.keepalive(INTERVAL, PATIENT);
    client.connect(peer.hear("port").parse().unwrap()).unwrap();
    assert!(client.ping(LONG).is_ok());
    peer.signal(libc::SIGSTOP);
    let start = Instant::now();
    assert_eq!(client.receive(LONG).err(), Some(CLOSED));
    assert!(start.elapsed() < NOTICED, "{:?}", start.elapsed());
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (-1, 3, 1011));
    assert_eq!(client.close_reason(), "no answer to a ping within 1000 ms");
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// A second network with one cable to ours.
struct Cable {
    name: String,
    subnet: u32,
}

impl Cable {
    fn lay(number: u32) -> Result<Self, String> {
        let cable =
            Self { name: format!("wsa{}x{number}", std::process::id()), subnet: std::process::id() % 60 * 4 + number };
        let Self { name, subnet } = &cable;
        ip(&format!("netns add {name}"))?;
        ip(&format!("link add {name}a type veth peer name {name}b netns {name}"))?;
        ip(&format!("addr add 10.213.{subnet}.1/24 dev {name}a"))?;
        ip(&format!("link set {name}a up"))?;
        ip(&format!("-n {name} addr add 10.213.{subnet}.2/24 dev {name}b"))?;
        ip(&format!("-n {name} link set {name}b up"))?;
        ip(&format!("-n {name} link set lo up"))?;
        Ok(cable)
    }

    fn cut(&self) {
        ip(&format!("-n {0} link set {0}b down", self.name)).unwrap();
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        let _ = ip(&format!("link del {}a", self.name));
        let _ = ip(&format!("netns del {}", self.name));
    }
}

fn cut_link(number: u32, unsent: bool) {
    let cable = match Cable::lay(number) {
        Ok(cable) => cable,
        Err(error) => {
            assert!(std::env::var_os("WSADDIN_NO_SKIP").is_none(), "no network namespaces: {error}");
            eprintln!("SKIPPED, because network namespaces need root and iproute2: {error}");
            return;
        }
    };
    let server = Server::new();
    server.keepalive(INTERVAL, PATIENT);
    let interface = format!("10.213.{}.1", cable.subnet);
    server.run(&interface).unwrap();
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &cable.name]).arg(std::env::current_exe().unwrap());
    let mut peer = Role::start_with(command, "peer", &format!("ws://{interface}:{}/", server.port()));
    peer.hear("connected");
    let id = server.next(OPEN, LONG).connection();
    assert!(server.ping(id, LONG).is_ok());
    cable.cut();
    let start = Instant::now();
    if unsent {
        // More than the kernel takes: our own queue is not empty either. It may take all of a full queue at first, after
        // the last look at it.
        until("the kernel takes no more", SOON, || {
            while server.send(id, &[0; 65_536]).is_ok() {}
            server.info(id)["queued_out_bytes"].as_i64().unwrap() > 65_536
        });
    }
    expect_gone(&server, start, if unsent { "cut link, unsent output" } else { "cut link, idle" });
}

#[test]
fn a_cut_link_is_noticed_when_idle() {
    cut_link(1, false);
}

#[test]
fn a_cut_link_is_noticed_with_unsent_output() {
    cut_link(2, true);
}

#[test]
fn a_slow_reader_lives() {
    let server = Server::new();
    server.keepalive(INTERVAL, PONG);
    server.run("127.0.0.1").unwrap();
    let mut slow = Raw::client(server.port(), Some(4096));
    let id = server.next(OPEN, LONG).connection();
    while server.send(id, &[7; 65_536]).is_ok() {}
    let start = Instant::now();
    let mut byte = [0];
    while start.elapsed() < 2 * PAUSE {
        slow.socket.read_exact(&mut byte).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(server.count(), 1);
    }
    assert!(server.info(id)["queued_out_bytes"].as_i64().unwrap() > 65_536, "it was held up all the time");
    // At first the kernel may take more than half of a full queue.
    let seen = server.receive_event(NOW).map(|event| event.kind());
    assert!(matches!(seen, Err(TIMEOUT) | Ok(WSADDIN_EVENT_DRAINED)), "{seen:?}");
}

#[test]
fn intervals_act_at_once_and_zero_is_off() {
    let server = Server::new();
    server.keepalive(0, 50);
    server.run("127.0.0.1").unwrap();
    let mut peer = Raw::client(server.port(), None);
    let id = server.next(OPEN, LONG).connection();
    peer.socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(peer.socket.read(&mut [0]).is_err(), "a ping though it is off");
    peer.socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // Without PongTimeout nobody is given up.
    let start = Instant::now();
    server.keepalive(50, 0);
    assert_eq!(peer.read().0, 0x89);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(server.receive_event(500).err(), Some(TIMEOUT));
    // Any byte is life, a pong or not; each silence has its ping.
    for _ in 0..5 {
        peer.binary(b"alive");
        assert_eq!(server.receive(LONG).unwrap().data(), b"alive");
        assert_eq!(peer.read().0, 0x89);
    }
    let start = Instant::now();
    server.keepalive(50, 100);
    let close = server.next(CLOSE, LONG);
    assert_eq!((close.connection(), close.json()["code"].as_i64()), (id, Some(1011)));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn one_pong_answers_the_pings_before_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::new();
    let port = listener.local_addr().unwrap().port();
    std::thread::scope(|scope| {
        let peer = scope.spawn(|| {
            let mut peer = Raw::accept(&listener);
            assert_eq!(peer.read().0, 0x89);
            let (first, latest) = peer.read();
            assert_eq!(first, 0x89);
            peer.write(0x8A, &latest);
            peer
        });
        client.connect(port).unwrap();
        let pings = [scope.spawn(|| client.ping(LONG)), scope.spawn(|| client.ping(LONG))];
        for ping in pings {
            assert!(ping.join().unwrap().is_ok(), "{}", error_text());
        }
        drop(peer.join().unwrap());
    });
}

#[test]
fn a_pong_counts_though_the_end_comes_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Whether one read brings both is the system's to say: mostly it does.
    for _ in 0..50 {
        let client = Client::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut peer = Raw::accept(&listener);
                let (_, payload) = peer.read();
                peer.write(0x8A, &payload);
                peer.socket.shutdown(Shutdown::Both).unwrap();
            });
            client.connect(port).unwrap();
            assert!(client.ping(LONG).is_ok(), "{}", error_text());
        });
    }
}
