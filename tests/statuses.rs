//! The HTTP statuses of a server: each is asked for, in the clear and under TLS, and the documents list just these; and
//! what load balancers and reverse proxies see that ask without a WebSocket handshake.

mod common;
#[path = "common/daemon.rs"]
mod daemon;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use common::Scratch;
use daemon::Daemon;
use face::{Client, SOON, Server, set_log};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tls::{Authority, echo, turn};
use websocket_addin::capi::*;

/// The log belongs to the process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that a server answers to these bytes until it closes, or until its 101.
fn talk(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.starts_with(b"HTTP/1.1 101 ") || !answer.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => answer.push(byte[0]),
            // The end, with TLS's goodbye or without.
            Ok(_) => break,
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&answer)),
        }
    }
    String::from_utf8(answer).unwrap()
}

fn plain(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    raw::patient(&stream);
    stream
}

fn ask(server: &Server, secure: bool, request: &str) -> String {
    let stream = plain(server.port());
    if !secure {
        return talk(stream, request);
    }
    talk(tls::unchecked().connect("localhost", stream).unwrap(), request)
}

fn set_paths(server: &Server, paths: &str) {
    // SAFETY: the slice is readable for the call.
    assert_eq!(unsafe { wsaddin_server_set_paths(server.0, paths.as_ptr().cast(), paths.len()) }, WSADDIN_OK);
}

fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|number| number.parse().ok());
    status.unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// A proper answer: with the headers that RFC 9110 wants of its status, and with as much content as it says, or none at
/// all where HEAD is asked for.
fn check(answer: &str, head: bool) {
    let (lines, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let header = |name| raw::header(lines, name);
    if status(answer) == 101 {
        return;
    }
    let length: usize = header("Content-Length").unwrap().parse().unwrap();
    assert!(length > 0 && body.len() == if head { 0 } else { length }, "{answer:?}");
    let needed = match status(answer) {
        401 => &[("WWW-Authenticate", "Bearer"), ("Connection", "close")][..],
        405 => &[("Allow", "GET, HEAD"), ("Connection", "close")],
        426 => &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Connection", "close, Upgrade")],
        _ => &[("Connection", "close")],
    };
    for (name, value) in needed {
        assert_eq!(header(name), Some(*value), "{answer:?}");
    }
}

/// The statuses in the first column of a page's tables.
fn listed(page: &str) -> BTreeSet<u16> {
    let text = std::fs::read_to_string(common::root().join(page)).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()?.parse().ok());
    rows.filter(|status| (100..600).contains(status)).collect()
}

/// The statuses that the sources answer with.
fn written(folder: &Path, found: &mut BTreeSet<u16>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            written(&entry, found);
        } else {
            let text = std::fs::read_to_string(&entry).unwrap();
            let calls = ["Refusal::new(", "Refusal::plain("].into_iter().flat_map(|call| text.split(call).skip(1));
            found.extend(calls.filter_map(|rest| rest.get(..3)?.parse::<u16>().ok()));
        }
    }
}

#[test]
fn each_status_is_asked_for_and_listed() {
    let _turn = turn();
    let authority = Authority::with_server("statuses");
    let mut seen = BTreeSet::new();
    for secure in [false, true] {
        let server = if secure { authority.server("server") } else { Server::running() };
        let good = raw::request(server.port(), "");
        let with = |line: &str| good.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
        let ordinary = |method: &str| format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n");
        for (expected, request) in [
            (101, good.clone()),
            // No HTTP at all, another version's, and heads that break its rules.
            (400, "\u{1}hello\r\n\r\n".into()),
            (400, "HELO x\r\n\r\n".into()),
            (400, "GET /\r\n\r\n".into()),
            (400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into()),
            (400, "GET / HTTP/1.1\r\n\r\n".into()),
            (400, "HEAD / HTTP/1.1\r\n\r\n".into()),
            (400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n".into()),
            (400, "HEAD / HTTP/1.1\r\nHost: x\r\nbad header: x\r\n\r\n".into()),
            // A handshake that lacks something.
            (400, good.replace("Connection: Upgrade\r\n", "")),
            (400, good.replace("dGhlIHNhbXBsZSBub25jZQ==", "short")),
            // Plain requests.
            (426, ordinary("GET")),
            (426, ordinary("HEAD")),
            (426, good.replace("GET ", "HEAD ")),
            (426, "\r\nHEAD / HTTP/1.1\r\nHost: x\r\n\r\n".into()),
            (426, good.replace("Version: 13", "Version: 8")),
            // HTTP/1.0, as HAProxy's checks and nginx have it unless they are told otherwise.
            (426, "GET / HTTP/1.0\r\n\r\n".into()),
            (426, "HEAD / HTTP/1.0\r\n\r\n".into()),
            (426, "OPTIONS / HTTP/1.0\r\n\r\n".into()),
            (426, "POST / HTTP/1.0\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}".into()),
            (426, good.replace("HTTP/1.1", "HTTP/1.0")),
            (405, ordinary("OPTIONS")),
            (405, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".into()),
            (405, ordinary("DELETE")),
            (405, ordinary("BREW")),
            (405, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}".into()),
            (405, good.replace("GET ", "POST ")),
            (431, with(&format!("X: {}", "x".repeat(20_000)))),
            (431, with(&format!("X: {}", "x".repeat(20_000))).replace("GET ", "HEAD ")),
            (431, with(&"X: y\r\n".repeat(200))),
        ] {
            let answer = ask(&server, secure, &request);
            assert_eq!(status(&answer), expected, "{secure} {request:.200}: {answer}");
            check(&answer, request.trim_start().starts_with("HEAD "));
            seen.insert(expected);
        }
        // Heads that are begun and not finished, by HandshakeTimeout; a peer that has said nothing is told nothing.
        server.handshake_timeout(200);
        for (expected, request) in [
            (Some(408), "G".to_owned()),
            (Some(408), good.trim_end().to_owned()),
            (Some(408), "\r\nHEAD / HTTP/1.1\r\nHost: x".into()),
            (Some(408), ordinary("HEAD").trim_end().to_owned()),
            (None, String::new()),
            (None, "\r\n".into()),
        ] {
            let answer = ask(&server, secure, &request);
            if let Some(expected) = expected {
                assert_eq!(status(&answer), expected, "{secure} {request}: {answer}");
                check(&answer, request.trim_start().starts_with("HEAD "));
                seen.insert(expected);
            } else {
                assert_eq!(answer, "", "{secure}");
            }
        }
        server.handshake_timeout(SOON);
        set_paths(&server, "/served");
        let elsewhere = ask(&server, secure, &good);
        set_paths(&server, "");
        server.set_access_token("token").unwrap();
        let answer = ask(&server, secure, &good);
        server.set_access_token("").unwrap();
        server.set_allowed_origins("https://allowed.example").unwrap();
        let foreign = ask(&server, secure, &with("Origin: https://other.example"));
        server.set_allowed_origins("").unwrap();
        server.max_connections(1);
        let kept = Client::new();
        kept.verify(false).connect(&if secure { server.secure_url("localhost") } else { server.url() }).unwrap();
        for (expected, answer) in [(401, answer), (403, foreign), (404, elsewhere), (503, ask(&server, secure, &good))]
        {
            assert_eq!(status(&answer), expected);
            check(&answer, false);
            seen.insert(expected);
        }
    }
    let mut own = BTreeSet::new();
    written(&common::root().join("src"), &mut own);
    // What no server says: the default of a trait that every server overrides.
    assert!(own.remove(&500) && own.insert(101), "{own:?}");
    assert_eq!(seen, own, "the sources answer with others than are asked for here");
    for page in ["docs/en/access.md", "docs/ru/access.md"] {
        assert_eq!(seen, listed(page), "{page}");
    }
}

/// TLS to a port without it, and the other way round: an answer that says so, where it can be read.
#[test]
fn the_wrong_port_is_told() {
    let _turn = turn();
    let authority = Authority::with_server("ports");
    let (server, secure) = (Server::running(), authority.server("server"));
    for request in ["GET / HTTP/1.0\r\n\r\n".to_owned(), raw::request(secure.port(), ""), "HELO x\r\n\r\n".into()] {
        let answer = talk(plain(secure.port()), &request);
        assert!(
            status(&answer) == 400 && answer.ends_with("\r\n\r\nThis port needs TLS: https:// or wss://"),
            "{answer}"
        );
    }
    let client = Client::new();
    let fault = client.connect(&format!("ws://localhost:{}/", secure.port())).unwrap_err();
    assert!(
        fault.text.ends_with(
            "the server answered HTTP 400 Bad Request instead of 101 for / (This port needs TLS: https:// or wss://)"
        ),
        "{}",
        fault.text
    );
    let hello = "\u{16}\u{3}\u{1}\u{1}\0\u{1}";
    let answer = talk(plain(server.port()), hello);
    assert!(status(&answer) == 400 && answer.ends_with("This port has no TLS"), "{answer}");
    assert_eq!(client.connect(&format!("wss://localhost:{}/", server.port())).unwrap_err().code, WSADDIN_TLS);
    // None of them was in the way of the next.
    let client = authority.client();
    client.connect(&secure.secure_url("localhost")).unwrap();
    echo(&client, &secure);
}

/// Every kind of check that HAProxy has: the server is up, and its log stays empty.
#[test]
fn haproxy_checks_the_server() {
    let (_alone, _turn) = (alone(), turn());
    let scratch = Scratch::new("statuses-haproxy");
    let log = scratch.path().join("info.log");
    let authority = Authority::with_server("haproxy");
    let (server, secure) = (Server::running(), authority.server("server"));
    set_log(log.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap();
    let (port, tls) = (server.port(), secure.port());
    let expects = "    http-check expect status 426\n";
    let backends = [
        ("tcp", String::new(), format!("127.0.0.1:{port} check")),
        ("tls", String::new(), format!("127.0.0.1:{tls} check ssl verify none")),
        // Connects to the port and says nothing of TLS.
        ("tls-by-tcp", String::new(), format!("127.0.0.1:{tls} check")),
        ("options", format!("    option httpchk\n{expects}"), format!("127.0.0.1:{port} check")),
        ("get", format!("    option httpchk GET /\n{expects}"), format!("127.0.0.1:{port} check")),
        (
            "head",
            format!("    option httpchk\n    http-check send meth HEAD uri / ver HTTP/1.1 hdr Host x\n{expects}"),
            format!("127.0.0.1:{port} check"),
        ),
        (
            "get-by-tls",
            format!("    option httpchk GET /\n{expects}"),
            format!("127.0.0.1:{tls} check ssl verify none"),
        ),
    ];
    let sections: String = backends
        .iter()
        .map(|(name, check, server)| {
            format!("backend {name}\n{check}    server one {server} inter 100ms rise 2 fall 1\n")
        })
        .collect();
    let Some(proxy) = Daemon::haproxy(&sections) else { return };
    let statistics = || {
        let stream = TcpStream::connect(proxy.address()).unwrap();
        raw::patient(&stream);
        let answer = talk(stream, "GET /;csv HTTP/1.0\r\n\r\n");
        answer.lines().filter(|line| line.contains(",one,")).map(str::to_owned).collect::<Vec<_>>()
    };
    // Until each has been checked often enough: it counts how many checks a server has failed, and how often it was down.
    face::until("each server is up", || {
        let lines = statistics();
        let up = |line: &String| {
            let fields: Vec<&str> = line.split(',').collect();
            fields[17] == "UP" && ["L4OK", "L6OK", "L7OK"].contains(&fields[36])
        };
        lines.len() == backends.len() && lines.iter().all(up)
    });
    let before = server.statistics()["rejected"]["426"].as_u64().unwrap_or(0);
    face::until("they are checked again and again", || {
        server.statistics()["rejected"]["426"].as_u64().unwrap_or(0) > before + 20
    });
    // A line that is looked at during a check has no code.
    let mut left: BTreeSet<&str> = backends.iter().map(|(name, ..)| *name).collect();
    face::until("each has been seen after a check", || {
        for line in statistics().iter().filter(|line| !line.contains(",* ")) {
            let fields: Vec<&str> = line.split(',').collect();
            assert_eq!((fields[17], fields[21]), ("UP", "0"), "it has failed checks: {line}");
            let by_http = backends.iter().any(|(name, check, _)| *name == fields[0] && !check.is_empty());
            assert_eq!(fields[37], if by_http { "426" } else { "" }, "{line}");
            left.remove(fields[0]);
        }
        left.is_empty()
    });
    // Before it is killed in the midst of a check.
    set_log("", WSADDIN_LOG_INFO).unwrap();
    drop(proxy);
    let text = std::fs::read_to_string(&log).unwrap();
    let of_checks: Vec<_> = text.lines().filter(|line| !line.contains(" library ")).collect();
    assert!(of_checks.is_empty(), "{text}");
}

/// nginx speaks HTTP/1.0 to what is behind it unless it is told otherwise; told as it should be, it lets WebSocket pass.
#[test]
fn behind_nginx() {
    let server = Server::running();
    let port = server.port();
    let Some(wrong) = Daemon::nginx(&format!("proxy_pass http://127.0.0.1:{port};")) else { return };
    for (request, head) in
        [("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false), ("HEAD / HTTP/1.0\r\n\r\n", true)]
    {
        let stream = TcpStream::connect(wrong.address()).unwrap();
        raw::patient(&stream);
        let answer = talk(stream, request);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!((status(&answer), body.is_empty()), (426, head), "{answer}");
    }
    let client = Client::new();
    let fault = client.connect(&format!("ws://{}/", wrong.address())).unwrap_err();
    assert!(fault.text.contains("HTTP 426"), "{}", fault.text);
    // The Upgrade header passes, the version does not: what to do is in the answer's text.
    let half = format!(
        "proxy_pass http://127.0.0.1:{port}; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
    );
    let half = Daemon::nginx(&half).unwrap();
    let stream = TcpStream::connect(half.address()).unwrap();
    raw::patient(&stream);
    let answer = talk(stream, &raw::request(port, "").replace("Connection: Upgrade", "Connection: Upgrade, close"));
    assert!(status(&answer) == 426 && answer.contains("HTTP/1.1 is needed"), "{answer}");
    let right = Daemon::nginx(&format!(
        "proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
         proxy_set_header Connection upgrade;"
    ))
    .unwrap();
    client.connect(&format!("ws://{}/", right.address())).unwrap();
    client.send("сквозь").unwrap();
    assert_eq!(server.receive(SOON).unwrap().event().text(), "сквозь");
    client.disconnect(1000, "").unwrap();
}
