//! The log file: what it tells at each level, what it never tells, and that nothing waits for it.

mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use common::Scratch;
use face::{Client, Got, SOON, Server, code, set_log};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tls::Authority;
use websocket_addin::capi::*;

/// The log belongs to the process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One conversation with this level; what the file holds when the last object has gone.
fn conversation(path: &Path, level: wsaddin_log_level) -> String {
    set_log(path.to_str().unwrap(), level).unwrap();
    let server = Server::running();
    let client = Client::new();
    let url = server.url().replacen("ws://", "ws://user:s3cretpw@", 1) + "room?access_token=s3crettoken";
    client.connect(&url).unwrap();
    let connection = server.opened();
    client.send("payload of a text").unwrap();
    assert_eq!(server.event().text(), "payload of a text");
    server.send(connection, "and its answer").unwrap();
    assert_eq!(client.receive(SOON).unwrap().event().text(), "and its answer");
    assert!(client.ping(SOON).unwrap() >= 0);
    assert!(client.disconnect(1000, "that was all").unwrap());
    server.event().close();
    // Refused at once: nobody listens there.
    let port = server.port();
    server.stop().unwrap();
    assert_eq!(code(client.connect(&format!("ws://127.0.0.1:{port}/"))), WSADDIN_REFUSED);
    client.free().unwrap();
    server.free().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    set_log("", WSADDIN_LOG_INFO).unwrap();
    println!("{text}");
    text
}

#[test]
fn each_level_tells_more_and_none_tells_secrets() {
    let _alone = alone();
    let scratch = Scratch::new("log-levels");
    let [error, info, debug, frames] = [WSADDIN_LOG_ERROR, WSADDIN_LOG_INFO, WSADDIN_LOG_DEBUG, WSADDIN_LOG_FRAMES]
        .map(|level| {
            let text = conversation(&scratch.path().join(format!("журнал-{level}.log")), level);
            assert!(!text.contains("s3cret") && !text.contains("dXNlcjpzM2NyZXRwdw"), "{text}");
            text.lines().for_each(check_line);
            text
        });
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains("not connected: connecting to 127.0.0.1:") && error.contains("connection refused"));
    for what in [
        "connecting to ws://127.0.0.1:",
        "open: 127.0.0.1:",
        "path /room",
        "id 1",
        "closed by us: 1000, clean; in 1 messages 14 bytes, out 1 messages 17 bytes",
        "closed by the peer: 1000 \"that was all\", clean; in 1 messages 17 bytes, out 1 messages 14 bytes",
    ] {
        assert!(info.contains(what), "{what}: {info}");
    }
    assert!(info.lines().count() < 16, "a few lines a connection: {info}");
    for text in [&info, &debug] {
        assert!(!text.contains("payload of a text") && !text.contains("and its answer"), "{text}");
    }
    for what in ["trying 127.0.0.1:", "accepted 127.0.0.1:", "pong"] {
        assert!(debug.contains(what) && !info.contains(what), "{what}: {debug}");
    }
    for what in [
        "out Text final masked 17 bytes \"payload of a text\"",
        "in Text final masked 17 bytes \"payload of",
        "out | Authorization: ***",
        "in | GET /room?access_token=*** HTTP/1.1",
    ] {
        assert!(frames.contains(what), "{what}: {frames}");
    }
}

/// The three places where a server looks for its token, right and wrong ones, and a newcomer that waits for the host.
#[test]
fn no_level_tells_an_access_token() {
    let _alone = alone();
    let scratch = Scratch::new("log-token");
    let path = scratch.path().join("token.log");
    set_log(path.to_str().unwrap(), WSADDIN_LOG_FRAMES).unwrap();
    let server = Server::running();
    server.set_access_token("s3cret").unwrap();
    server.set_protocols("chat").unwrap();
    for (query, protocols, header) in [
        ("?access_token=s3cret&a=b", "", ""),
        ("", "access_token.s3cret, chat", ""),
        ("", "", "Bearer s3cret"),
        ("?access_token=s3creT", "access_token.s3creT", "Bearer s3creT"),
    ] {
        let client = Client::new();
        client.set_protocols(protocols).unwrap();
        client.set_header("Authorization", header).unwrap();
        let connected = client.connect(&format!("{}{query}", server.url()));
        if let Err(fault) = connected {
            assert!(fault.code == WSADDIN_HANDSHAKE && fault.text.contains("401"), "{fault:?}");
            assert!(!fault.text.contains("s3cre"), "{fault:?}");
            continue;
        }
        assert_eq!(client.protocol(), if protocols.is_empty() { "" } else { "chat" });
        let id = server.opened();
        let told = server.connection_info(id).unwrap().unwrap().to_string();
        assert!(!told.contains("s3cre") && !server.connection_list().to_string().contains("s3cre"), "{told}");
        client.disconnect(1000, "").unwrap();
        server.event().close();
    }
    server.manual_accept(1);
    let client = Client::new();
    client.begin_connect(&format!("{}?access_token=s3cret", server.url())).unwrap();
    let pending = server.event();
    assert!(pending.event == WSADDIN_EVENT_PENDING && pending.text().contains("access_token=***"), "{pending:?}");
    assert!(server.reject(pending.connection, 403, "").unwrap());
    client.event();
    drop(client);
    drop(server);
    let text = std::fs::read_to_string(&path).unwrap();
    set_log("", WSADDIN_LOG_INFO).unwrap();
    assert!(!text.contains("s3cre"), "{text}");
    for what in [
        "in | GET /?access_token=***",
        "in | Sec-WebSocket-Protocol: access_token.***",
        "in | Authorization: ***",
        "401",
    ] {
        assert!(text.contains(what), "{what}: {text}");
    }
}

/// `2026-11-21T08:36:12.123Z info   client 1 #2 …`
fn check_line(line: &str) {
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(time.len() == 24 && time.ends_with('Z') && &time[19..20] == "." && &time[10..11] == "T", "{line}");
    let level = rest.split_whitespace().next().unwrap();
    assert!(["error", "info", "debug", "frames"].contains(&level), "{line}");
    let whose = rest[level.len()..].trim_start();
    assert!(["client ", "server ", "library "].iter().any(|start| whose.starts_with(start)), "{line}");
}

/// What became of handshakes, by whom, in a server's own words; and of those who only check whether it is there, at
/// `debug`, so that a check each second does not fill the log.
#[test]
fn a_server_tells_of_handshakes_that_came_to_nothing() {
    let _alone = alone();
    let _turn = tls::turn();
    let authority = Authority::with_server("newcomers");
    let scratch = Scratch::new("log-newcomers");
    let path = scratch.path().join("newcomers.log");
    let (server, secure) = (Server::running(), authority.server("server"));
    set_log(path.to_str().unwrap(), WSADDIN_LOG_DEBUG).unwrap();
    let come = |server: &Server| {
        let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        raw::patient(&stream);
        stream
    };
    let mut expected = Vec::new();
    // What each sends, and what is told of it at which level. It closes then, but for what has to be awaited.
    let mut tell = |server: &Server, bytes: &[u8], level: &'static str, what: &'static str| {
        let mut stream = come(server);
        let address = stream.local_addr().unwrap();
        stream.write_all(bytes).unwrap();
        // The server may have refused, and closed, by now.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        // Until the server has closed, too.
        let _ = stream.read_to_end(&mut Vec::new());
        expected.push((level, what.replace("{}", &address.to_string())));
    };
    let hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    for (who, bytes, level, what) in [
        (&server, &b"GET / HT"[..], "info", "handshake with {} not finished: the client closed the connection"),
        (&server, b"POST / HTTP/1.1\r\n\r\n", "info", "refused {}: HTTP 405 GET is needed"),
        (&server, &hello, "info", "refused {}: HTTP 400 This port has no TLS"),
        (&secure, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "info", "refused {}: HTTP 400 This port needs TLS"),
        (&secure, &hello, "info", "handshake with {} not finished: the peer closed the connection during the TLS"),
        (&secure, b"\x16\x03\x01\0\x05hello", "info", "handshake with {} not finished: TLS handshake failed ("),
        (
            &secure,
            b"\x01\x02\x03\x04\x05\x06\x07\x08",
            "info",
            "handshake with {} not finished: the other side does not",
        ),
        // Checks.
        (&server, b"", "debug", "handshake with {} not finished: the client closed the connection"),
        (&secure, b"", "debug", "handshake with {} not finished: the peer sent nothing and closed the connection"),
        (&server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "debug", "refused {}: HTTP 426 This is a WebSocket server"),
        (&server, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "debug", "refused {}: HTTP 426 This is a WebSocket server"),
        (&server, b"OPTIONS / HTTP/1.0\r\n\r\n", "debug", "refused {}: HTTP 426 This is a WebSocket server"),
        (&server, b"OPTIONS / HTTP/1.1\r\n\r\n", "debug", "refused {}: HTTP 405 GET is needed"),
    ] {
        tell(who, bytes, level, what);
    }
    // A check that resets instead of closing, and one that goes when TLS is through.
    for server in [&server, &secure] {
        let stream = come(server);
        let address = stream.local_addr().unwrap();
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(stream);
        expected.push(("debug", format!("handshake with {address} not finished: ")));
    }
    let stream = come(&secure);
    expected.push(("debug", format!("handshake with {} not finished: ", stream.local_addr().unwrap())));
    drop(tls::unchecked().connect("localhost", stream).unwrap());
    // One that does not trust the server.
    let stranger = Client::new();
    assert_eq!(code(stranger.connect(&secure.secure_url("localhost"))), WSADDIN_CERTIFICATE);
    expected.push(("info", " not finished: the client refused the server's certificate (".into()));
    // Those that say nothing until HandshakeTimeout, and until the server stops.
    server.handshake_timeout(50);
    let mut silent = come(&server);
    let _ = silent.read(&mut [0]);
    expected.push(("info", format!("handshake with {} not finished: not within 50 ms", silent.local_addr().unwrap())));
    face::until("all of it is told", || {
        let text = std::fs::read_to_string(&path).unwrap();
        expected.iter().all(|(_, what)| text.contains(what))
    });
    server.handshake_timeout(60_000);
    let waits = come(&server);
    expected
        .push(("info", format!("handshake with {} not finished: the server was stopped", waits.local_addr().unwrap())));
    face::until("it has been accepted", || {
        std::fs::read_to_string(&path).unwrap().contains(&format!("accepted {}", waits.local_addr().unwrap()))
    });
    server.stop().unwrap();
    drop((server, secure, stranger));
    let text = std::fs::read_to_string(&path).unwrap();
    set_log("", WSADDIN_LOG_INFO).unwrap();
    println!("{text}");
    let servers: Vec<&str> = text.lines().filter(|line| line.contains(" server ")).collect();
    for (level, what) in &expected {
        let found: Vec<_> = servers.iter().filter(|line| line.contains(what.as_str())).collect();
        assert!(found.len() == 1 && found[0].contains(&format!("Z {level:<6} ")), "{level} {what}: {found:?}");
    }
    // Each of them is told once beside being accepted, and none in a client's words.
    assert_eq!(
        servers.iter().filter(|line| line.contains(" not finished: ") || line.contains("refused 1")).count(),
        expected.len()
    );
    assert!(servers.iter().all(|line| !line.contains("connecting") && !line.contains(" : ")), "{text}");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_that_names_it() {
    let _alone = alone();
    let scratch = Scratch::new("log-file");
    let good = scratch.path().join("good.log");
    set_log(good.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap();
    for bad in [scratch.path().join("none/at/all.log"), scratch.path().to_owned()] {
        let fault = set_log(bad.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap_err();
        assert_eq!(fault.code, WSADDIN_FILE);
        assert!(fault.text.contains(bad.to_str().unwrap()), "{}", fault.text);
    }
    // What was set before stays.
    let client = Client::new();
    assert!(client.connect("ws://127.0.0.1:1/").is_err());
    client.free().unwrap();
    assert!(std::fs::read_to_string(&good).unwrap().contains("127.0.0.1:1"));
    set_log("", WSADDIN_LOG_INFO).unwrap();
    let before = std::fs::read_to_string(&good).unwrap();
    let client = Client::new();
    assert!(client.connect("ws://127.0.0.1:1/").is_err());
    assert_eq!(client.receive(-1), Ok(Got::Closed));
    client.free().unwrap();
    assert_eq!(std::fs::read_to_string(&good).unwrap(), before, "it is off");
}

/// The disk is a pipe that nobody reads: messages go on all the same, what finds no room is counted, and the rest is
/// there, in order, once it is read.
#[test]
fn a_slow_disk_holds_nobody_up() {
    let _alone = alone();
    let scratch = Scratch::new("log-slow");
    let pipe = scratch.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Opened for both, so that neither side waits for the other.
    let mut reader = File::options().read(true).write(true).open(&pipe).unwrap();
    set_log(pipe.to_str().unwrap(), WSADDIN_LOG_FRAMES).unwrap();
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    let connection = server.opened();
    // Some 130 bytes a line, and four lines a message: more than pipe and buffer hold.
    let count = 16_000;
    let mut longest = Duration::ZERO;
    for number in 0..count {
        let start = Instant::now();
        client.send(&format!("message {number}")).unwrap();
        assert_eq!(server.event().text(), format!("message {number}"));
        server.send(connection, "echo").unwrap();
        assert_eq!(client.receive(SOON).unwrap().event().text(), "echo");
        longest = longest.max(start.elapsed());
    }
    println!("the longest round trip: {longest:?}");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    let read = std::thread::spawn(move || {
        let mut text = Vec::new();
        let mut piece = vec![0; 1 << 16];
        while !String::from_utf8_lossy(&text[text.len().saturating_sub(200)..]).contains("the end of it") {
            let count = reader.read(&mut piece).unwrap();
            text.extend_from_slice(&piece[..count]);
        }
        String::from_utf8(text).unwrap()
    });
    // Room is made by the reader; lines after the gap are told again.
    while !read.is_finished() {
        client.send("the end of it").unwrap();
        assert_eq!(server.event().text(), "the end of it");
    }
    let text = read.join().unwrap();
    assert!(text.lines().any(|line| line.ends_with(" lines dropped")), "{} bytes", text.len());
    text.lines().filter(|line| !line.is_empty()).take(10_000).for_each(check_line);
    set_log("", WSADDIN_LOG_INFO).unwrap();
}

/// A disk that takes nothing at all: the last free waits for it no longer than it says, and everything goes on.
#[test]
fn a_disk_that_hangs_is_given_up() {
    let _alone = alone();
    let scratch = Scratch::new("log-stuck");
    let pipe = scratch.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = File::options().read(true).write(true).open(&pipe).unwrap();
    set_log(pipe.to_str().unwrap(), WSADDIN_LOG_FRAMES).unwrap();
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    // The pipe holds 64 KiB.
    for _ in 0..1_000 {
        client.send("payload").unwrap();
        assert_eq!(server.receive(SOON).unwrap().event().text(), "payload");
    }
    client.free().unwrap();
    let start = Instant::now();
    server.free().unwrap();
    println!("the last free: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(10));
    // Another file, while the old thread still hangs.
    let good = scratch.path().join("good.log");
    conversation(&good, WSADDIN_LOG_INFO);
    drop(reader);
}
