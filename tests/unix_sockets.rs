//! Unix sockets, both roles: names, files and their rights, and what other people's programs make of them.
#![cfg(unix)]

#[path = "common/addin.rs"]
#[allow(dead_code, reason = "the interoperability tests use all of it")]
mod addin;
mod common;
#[path = "common/conversation.rs"]
#[allow(dead_code, reason = "the interoperability tests use all of it")]
mod conversation;
#[path = "common/face.rs"]
mod face;
#[path = "common/peer.rs"]
#[allow(dead_code, reason = "the interoperability tests use all of it")]
mod peer;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use common::Scratch;
use face::{Client, Got, SOON, Server, code, set_log, until};
use peer::Peer;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use websocket_addin::capi::*;

/// A folder whose paths are short enough for a socket.
struct Folder(Scratch);

impl Folder {
    fn new(name: &str) -> Self {
        Self(Scratch::new(name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Interface and URL of a socket in it.
    fn socket(&self, name: &str) -> (String, String) {
        let path = self.path(name).display().to_string();
        (format!("unix:{path}"), format!("ws+unix://{path}:/chat?q=1"))
    }
}

fn listening(interface: &str) -> Server {
    let server = Server::new();
    server.run(interface, 0).unwrap();
    server
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn messages_go_both_ways_and_the_other_end_is_called_unix() {
    let folder = Folder::new("unix");
    let (interface, url) = folder.socket("a.sock");
    let log = folder.path("log").display().to_string();
    set_log(&log, WSADDIN_LOG_INFO).unwrap();
    let server = listening(&interface);
    assert_eq!((server.server(), server.port()), (interface.clone(), 0));
    assert_eq!(mode(&folder.path("a.sock")), 0o660);
    server.max_connections_per_address(1);
    let clients = [Client::new(), Client::new()];
    for client in &clients {
        client.connect(&url).unwrap();
    }
    assert_eq!(clients[0].server(), url.split('?').next().unwrap());
    let open = server.expect(WSADDIN_EVENT_OPEN).json();
    assert_eq!(open["address"], "unix");
    assert_eq!((&open["path"], &open["query"]), (&"/chat".into(), &"q=1".into()));
    assert_eq!((&open["headers"]["host"], &open["secure"]), (&"localhost".into(), &false.into()), "{open}");
    assert_eq!(server.connections(), "1: unix | 2: unix");
    let large = "я".repeat(8 << 20);
    clients[1].send(&large).unwrap();
    let event = loop {
        let event = server.event();
        if event.event == WSADDIN_EVENT_MESSAGE {
            break event;
        }
    };
    assert_eq!((event.connection, event.data.len()), (2, large.len()));
    assert!(server.send_binary(2, &event.data).unwrap());
    assert!(clients[1].receive(SOON).unwrap().event().data == large.as_bytes());
    assert!(clients[0].ping(SOON).unwrap() >= 0);
    assert!(clients[0].disconnect(4001, "done").unwrap());
    let close = server.expect(WSADDIN_EVENT_CLOSE);
    assert_eq!((close.connection, close.close()), (1, (4001, "done".to_owned(), true)));
    server.stop().unwrap();
    assert!(!folder.path("a.sock").exists());
    until("the other one is told", || clients[1].close_code() == 1001);
    set_log("", WSADDIN_LOG_INFO).unwrap();
    let lines = fs::read_to_string(log).unwrap();
    for line in [format!("listening on {interface}"), " open: unix, path /chat".to_owned()] {
        assert!(lines.contains(&line), "{line} in {lines}");
    }
}

#[test]
fn a_slow_reader_is_no_dead_one() {
    let folder = Folder::new("unix-slow");
    let (interface, url) = folder.socket("a.sock");
    let server = listening(&interface);
    server.ping_interval(100).pong_timeout(100);
    let client = Client::new();
    client.ping_interval(0).receive_queue_messages(1);
    client.connect(&url).unwrap();
    server.opened();
    // Far more than the two kernels' buffers and the client's queue take.
    for _ in 0..64 {
        assert!(server.send_binary(1, &[7; 65_536]).unwrap());
    }
    let still = server.receive_event(1000).unwrap();
    assert_eq!(still, Got::Timeout, "it was taken for dead");
    for _ in 0..64 {
        assert_eq!(client.receive(SOON).unwrap().event().data.len(), 65_536);
    }
    // One that answers nothing and has room is dead.
    let mut silent = UnixStream::connect(folder.path("a.sock")).unwrap();
    silent.write_all(raw::request(80, "").as_bytes()).unwrap();
    assert!(raw::read_head(&mut silent).starts_with("HTTP/1.1 101 "));
    let dead = loop {
        let event = server.event();
        if event.event == WSADDIN_EVENT_CLOSE {
            break event;
        }
    };
    assert_eq!((dead.connection, dead.close().0), (2, 1011));
}

#[test]
fn only_what_was_left_behind_is_replaced() {
    let _texts = tls::turn();
    let folder = Folder::new("unix-place");
    let (interface, url) = folder.socket("a.sock");
    let path = folder.path("a.sock");
    // A server that did not stop.
    drop(UnixListener::bind(&path).unwrap());
    let stale = fs::symlink_metadata(&path).unwrap().ino();
    let server = listening(&interface);
    let identity = fs::symlink_metadata(&path).unwrap();
    assert!(identity.file_type().is_socket());
    // One that lives.
    let other = Server::new();
    assert_eq!(code(other.run(&interface, 0)), WSADDIN_ADDRESS);
    assert!(face::error_description().contains("another program listens"), "{}", face::error_description());
    assert_eq!(fs::symlink_metadata(&path).unwrap().ino(), identity.ino(), "before it was {stale}");
    Client::new().connect(&url).unwrap();
    // Somebody else has put theirs in its place.
    fs::remove_file(&path).unwrap();
    let foreign = UnixListener::bind(&path).unwrap();
    server.stop().unwrap();
    assert!(path.exists(), "the file is another's");
    assert_eq!(code(server.run(&interface, 0)), WSADDIN_ADDRESS);
    drop(foreign);
    server.run(&interface, 0).unwrap();
    server.free().unwrap();
    assert!(!path.exists());
    // What is no socket, or a socket of another kind.
    fs::write(&path, "mine").unwrap();
    assert_eq!(code(other.run(&interface, 0)), WSADDIN_ADDRESS);
    assert!(face::error_description().contains("is no socket"), "{}", face::error_description());
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    fs::remove_file(&path).unwrap();
    symlink(folder.path("elsewhere"), &path).unwrap();
    assert_eq!(code(other.run(&interface, 0)), WSADDIN_ADDRESS);
    assert!(path.is_symlink());
    fs::remove_file(&path).unwrap();
    let _datagrams = UnixDatagram::bind(&path).unwrap();
    assert_eq!(code(other.run(&interface, 0)), WSADDIN_ADDRESS);
    assert!(path.exists());
}

#[test]
fn of_many_that_begin_at_once_one_has_it() {
    let folder = Folder::new("unix-race");
    let (interface, url) = folder.socket("a.sock");
    for _ in 0..20 {
        drop(UnixListener::bind(folder.path("a.sock")).unwrap());
        let servers: Vec<Server> = (0..4).map(|_| Server::new()).collect();
        let runs: Vec<bool> = std::thread::scope(|scope| {
            let run = |server: &Server| server.run(&interface, 0).is_ok();
            let threads: Vec<_> = servers.iter().map(|server| scope.spawn(move || run(server))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(runs.iter().filter(|&&good| good).count(), 1, "{runs:?}");
        let client = Client::new();
        client.connect(&url).unwrap();
        let at = runs.iter().position(|&good| good).unwrap();
        servers[at].opened();
        servers.iter().for_each(|server| server.stop().unwrap());
        assert!(!folder.path("a.sock").exists());
    }
}

#[test]
fn errors_say_why() {
    let _texts = tls::turn();
    let folder = Folder::new("unix-errors");
    let (interface, url) = folder.socket("a.sock");
    let (server, client) = (Server::new(), Client::new());
    let connect = |expected: i32, text: &str| {
        let fault = client.connect(&url).unwrap_err();
        assert_eq!(fault.code, expected, "{}", fault.text);
        assert!(fault.text.contains(text) && fault.text.contains(&interface), "{}", fault.text);
    };
    connect(WSADDIN_REFUSED, "there is no such Unix socket");
    drop(UnixListener::bind(folder.path("a.sock")).unwrap());
    connect(WSADDIN_REFUSED, "nobody listens on the Unix socket");
    for (interface, expected, text) in [
        ("unix:", WSADDIN_BAD_ARGUMENT, "does not name a Unix socket"),
        ("unix:a.sock", WSADDIN_BAD_ARGUMENT, "does not name a Unix socket"),
        (&format!("unix:/{}", "x".repeat(107)), WSADDIN_BAD_ARGUMENT, "takes 108 bytes, 107 are allowed"),
        ("unix:/no/such/folder/a.sock", WSADDIN_ADDRESS, "the folder does not exist"),
    ] {
        let fault = server.run(interface, 0).unwrap_err();
        assert_eq!(fault.code, expected, "{}", fault.text);
        assert!(fault.text.contains(text), "{}", fault.text);
    }
    wsaddin_set_language(WSADDIN_LANGUAGE_RUSSIAN);
    let fault = client.connect(&url).unwrap_err();
    wsaddin_set_language(WSADDIN_LANGUAGE_ENGLISH);
    assert!(fault.text.contains("Unix-сокет никто не слушает"), "{}", fault.text);
}

/// Root passes every barrier, so this is asked in a process of somebody else's.
#[test]
fn a_stranger_is_told_that_the_right_is_missing() {
    let folder = Folder::new("unix-stranger");
    let _server = listening(&folder.socket("a.sock").0);
    let run = |user: &[&str]| {
        let program = std::env::current_exe().unwrap();
        let arguments = ["--ignored", "--exact", "inside_of_the_stranger", "--nocapture"];
        let mut command = Command::new(if user.is_empty() { program.to_str().unwrap() } else { user[0] });
        if let [_, more @ ..] = user {
            command.args(more).arg(&program);
        }
        command.args(arguments).env("WSADDIN_STRANGER", folder.0.path()).output().unwrap()
    };
    // A folder that a stranger can enter, and cannot write to.
    for above in folder.0.path().ancestors().chain(std::env::current_exe().unwrap().ancestors()) {
        if let Ok(found) = fs::metadata(above)
            && found.is_dir()
            && found.mode() & 0o001 == 0
        {
            return eprintln!("SKIPPED: {} is closed to strangers", above.display());
        }
    }
    let output = run(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("setpriv: ") {
        return eprintln!("SKIPPED: the test is not root's");
    }
    assert!(output.status.success() && said.contains("the stranger was told"), "{output:?}");
}

#[test]
#[ignore = "runs as somebody else inside its test"]
fn inside_of_the_stranger() {
    let Some(folder) = std::env::var_os("WSADDIN_STRANGER") else { return };
    let folder = Path::new(&folder);
    let fault = Client::new().connect(&format!("ws+unix://{}:/", folder.join("a.sock").display())).unwrap_err();
    assert_eq!(fault.code, WSADDIN_REFUSED, "{}", fault.text);
    assert!(fault.text.contains("no right to connect"), "{}", fault.text);
    let server = Server::new();
    for (name, text) in [("b.sock", "no right to make"), ("a.sock", "another program listens")] {
        let fault = server.run(&format!("unix:{}", folder.join(name).display()), 0).unwrap_err();
        assert_eq!(fault.code, WSADDIN_ADDRESS, "{}", fault.text);
        assert!(fault.text.contains(text), "{}", fault.text);
    }
    println!("the stranger was told");
}

#[test]
fn an_abstract_name_has_no_file() {
    let name = format!("@wsaddin-test-{}", std::process::id());
    let server = listening(&format!("unix:{name}"));
    assert_eq!(server.server(), format!("unix:{name}"));
    let client = Client::new();
    client.connect(&format!("ws+unix://{name}:/")).unwrap();
    assert_eq!(code(Server::new().run(&format!("unix:{name}"), 0)), WSADDIN_ADDRESS);
    server.stop().unwrap();
    assert_eq!(code(client.connect(&format!("ws+unix://{name}:/"))), WSADDIN_REFUSED);
    server.run(&format!("unix:{name}"), 0).unwrap();
}

#[test]
fn the_end_of_a_child_leaves_the_socket_to_its_parent() {
    let folder = Folder::new("unix-fork");
    let (interface, url) = folder.socket("a.sock");
    let server = listening(&interface);
    // SAFETY: the child calls what a host may call there, and ends without the parent's leftovers.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let told = wsaddin_server_stop(server.0) == WSADDIN_UNSUPPORTED;
        let _ = wsaddin_server_free(server.0);
        // SAFETY: as above.
        unsafe { libc::_exit(if told { 0 } else { 1 }) };
    }
    let mut status = -1;
    // SAFETY: our own child, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    Client::new().connect(&url).unwrap();
    server.stop().unwrap();
    assert!(!folder.path("a.sock").exists());
    assert_eq!(code(Client::new().connect(&url)), WSADDIN_REFUSED);
}

#[test]
fn a_client_comes_back_and_waits_where_many_wait() {
    let folder = Folder::new("unix-back");
    let (interface, url) = folder.socket("a.sock");
    let server = listening(&interface);
    let client = Client::new();
    // No proxy is asked, although one is set.
    client.reconnect_interval(50).set_proxy("http://127.0.0.1:1").unwrap();
    client.connect(&url).unwrap();
    server.stop().unwrap();
    server.run(&interface, 0).unwrap();
    server.opened();
    // A queue of one that nobody empties: it is tried again until there is room.
    let path = folder.path("full.sock");
    let full = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    full.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    full.listen(0).unwrap();
    let _first = UnixStream::connect(&path).unwrap();
    let late = Client::new();
    late.connect_timeout(600);
    let fault = late.connect(&format!("ws+unix://{}", path.display())).unwrap_err();
    assert_eq!(fault.code, WSADDIN_CONNECT_TIMEOUT, "{}", fault.text);
    late.connect_timeout(20_000);
    std::thread::scope(|scope| {
        let connecting = scope.spawn(|| late.connect(&format!("ws+unix://{}", path.display())));
        let _first = full.accept().unwrap();
        // What was waiting is answered; what comes after the room is there is heard.
        let (mut accepted, _) = full.accept().unwrap();
        accepted.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = raw::read_head(&mut accepted);
        assert!(head.contains("\r\nHost: localhost\r\n"), "{head}");
        accepted.write_all(raw::accept(&head, "").as_bytes()).unwrap();
        connecting.join().unwrap().unwrap();
    });
}

#[test]
fn tls_works_on_it_as_on_a_port() {
    let folder = Folder::new("unix-tls");
    let (interface, _) = folder.socket("a.sock");
    let authority = tls::Authority::with_server("unix-tls");
    let server = Server::new();
    let [certificate, key] = ["server.pem", "server.key"].map(|name| authority.path(name));
    server.run_tls_on(&interface, &certificate, &key, "").unwrap();
    let stream = UnixStream::connect(folder.path("a.sock")).unwrap();
    let mut stream = tls::unchecked().configure().unwrap().connect("localhost", stream).unwrap();
    stream.write_all(raw::request(80, "").as_bytes()).unwrap();
    assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 101 "));
    let open = server.expect(WSADDIN_EVENT_OPEN).json();
    assert_eq!((&open["address"], &open["secure"]), (&"unix".into(), &true.into()));
}

#[test]
fn who_is_behind_it_may_speak_for_others() {
    let folder = Folder::new("unix-trusted");
    let (interface, url) = folder.socket("a.sock");
    let server = listening(&interface);
    let come = |head: &str, more: &str| {
        let mut stream = UnixStream::connect(folder.path("a.sock")).unwrap();
        stream.write_all(format!("{head}{}", raw::request(80, more)).as_bytes()).unwrap();
        let answer = raw::read_head(&mut stream);
        (answer.split(' ').nth(1).unwrap().to_owned(), stream)
    };
    const HEAD: &str = "PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n";
    assert_eq!(come(HEAD, "").0, "400", "nobody is trusted");
    server.set_trusted_proxies("127.0.0.1, unix").unwrap();
    server.max_connections_per_address(1);
    let kept = come(HEAD, "");
    assert_eq!(kept.0, "101");
    let open = server.expect(WSADDIN_EVENT_OPEN).json();
    assert_eq!((&open["address"], &open["proxy"]), (&"192.0.2.7:1234".into(), &"unix".into()));
    assert_eq!(come("", "X-Forwarded-For: 192.0.2.7\r\n").0, "503", "the limit is the client's");
    assert_eq!(come("", "X-Forwarded-For: 192.0.2.9\r\n").0, "101");
    Client::new().connect(&url).unwrap();
}

#[test]
fn curl_asks_for_plain_http() {
    let folder = Folder::new("unix-curl");
    let (interface, _) = folder.socket("a.sock");
    let server = Server::new();
    server.set_health_path("/health").unwrap();
    server.run(&interface, 0).unwrap();
    let path = folder.path("a.sock");
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "20", "--unix-socket"]).arg(path);
    let output = command.args(["http://localhost/health", "http://localhost/health"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), r#"{"status":"ok"}"#.repeat(2), "{output:?}");
}

#[test]
fn node_is_met_as_server_and_as_client() {
    let folder = Folder::new("unix-node");
    let (interface, url) = folder.socket("ours");
    let theirs = folder.path("theirs").display().to_string();
    let Some(peer) = Peer::node("ws_server.mjs", &[&theirs]) else { return };
    conversation::client_talks_at(&format!("ws+unix://{}:/", peer.line_after("path ")), &peer, true);
    assert!(peer.end().0);
    conversation::server_talks_at(&interface, |_| Peer::node("ws_client.mjs", &[&url]), true);
}

#[test]
fn python_is_met_as_server_and_as_client() {
    let folder = Folder::new("unix-python");
    let (interface, _) = folder.socket("ours");
    let [ours, theirs] = ["ours", "theirs"].map(|name| folder.path(name).display().to_string());
    let Some(peer) = Peer::python("websockets_server.py", &[&theirs]) else { return };
    conversation::client_talks_at(&format!("ws+unix://{}:/", peer.line_after("path ")), &peer, true);
    assert!(peer.end().0);
    conversation::server_talks_at(&interface, |_| Peer::python("websockets_client.py", &[&ours]), true);
}

#[test]
fn rights_are_exact_whatever_the_mask() {
    let folder = Folder::new("unix-mask");
    for mask in ["000", "022", "077", "177"] {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "umask $0 && exec \"$@\"", mask]).arg(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "inside_of_the_mask", "--nocapture"]);
        let output = command.env("WSADDIN_MASK", folder.path(mask)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("the mask does not count"), "{mask}: {output:?}");
    }
}

#[test]
#[ignore = "runs under a mask inside its test"]
fn inside_of_the_mask() {
    let Some(path) = std::env::var_os("WSADDIN_MASK") else { return };
    let path = Path::new(&path);
    let _server = listening(&format!("unix:{}", path.display()));
    assert_eq!(mode(path), 0o660);
    Client::new().connect(&format!("ws+unix://{}", path.display())).unwrap();
    println!("the mask does not count");
}
