//! What a peer may write into texts that others read: no line of a log, no header and no JSON ends where it wants. And what
//! it may begin and never finish: that costs no more than what has come of it.

mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;

use common::Scratch;
use face::{Client, Got, SOON, Server, error_description, set_log, until};
use raw::{BINARY, CLOSE, FIN, Peer, Then, accept, client, close_body, frame, knock, read_close, read_head};
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use websocket_addin::capi::*;

/// The log and the memory belong to the process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a line, a string of JSON, a header; begins a line of the log, a sequence of the terminal, another key.
const EVIL: &str =
    "\r\n2026-01-01 00:00:00.000 error server 1: forged\",\"forged\":\"\\\u{1b}[31m\u{0}\u{85}\u{2028}\u{7f}";

/// What may stand in a header: the same without what ends it.
const EVIL_HEADER: &str = "a\",\"forged\":\"\\\u{9b}31m";

fn lines_are_ours(log: &str) {
    assert!(!log.is_empty());
    for line in log.lines() {
        let time = line.get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(time && !line.starts_with("2026-01-01 00:00:00.000"), "a line that is not ours: {line:?}");
    }
    assert!(!log.chars().any(|c| c != '\n' && c.is_control()), "a control character: {log:?}");
}

fn no_line_break(text: &str) {
    assert!(!text.chars().any(|c| c.is_control()), "{text:?}");
}

#[test]
fn a_clients_texts_stay_where_they_belong() {
    let _alone = alone();
    let scratch = Scratch::new("hostile-client");
    let log = scratch.path().join("log.txt");
    set_log(log.to_str().unwrap(), WSADDIN_LOG_FRAMES).unwrap();
    let server = Server::new();
    server.set_name_parameter("name").unwrap();
    server.run("127.0.0.1", 0).unwrap();

    // Everything escaped that a URL may hold escaped, and plain what a header takes.
    let escaped = "%0d%0aforged%22,%22forged%22:%22%5c%1b[31m%00%e2%80%a8";
    let target = format!("/{escaped}?name={escaped}&other=%22%0a");
    let more = format!("X-Evil: {EVIL_HEADER}\r\nOrigin: {EVIL_HEADER}\r\nUser-Agent: {EVIL_HEADER}\r\n");
    let mut peer = knock(server.port(), &target, &more);
    let head = read_head(&mut peer);
    if head.starts_with("HTTP/1.1 101 ") {
        let connection = server.opened();
        let info = server.connection_info(connection).unwrap().expect("it is there");
        assert!(info.get("forged").is_none() && info["headers"].get("forged").is_none(), "{info}");
        assert_eq!(info["headers"]["x-evil"], EVIL_HEADER);
        let list = server.connection_list();
        assert!(list[0].get("forged").is_none(), "{list}");
        no_line_break(&server.connections());
        peer.write_all(&frame(FIN | raw::TEXT, true, EVIL.as_bytes())).unwrap();
        assert_eq!(server.event().text(), EVIL, "what is sent arrives as it is");
        let reason = &EVIL[..EVIL.floor_char_boundary(120)];
        peer.write_all(&frame(FIN | CLOSE, true, &close_body(4000, reason))).unwrap();
        let close = server.event();
        assert_eq!(close.close(), (4000, reason.to_owned(), true));
        assert!(close.json().get("forged").is_none());
    } else {
        // A name with control characters is none.
        assert!(head.starts_with("HTTP/1.1 400 ") && !head.contains("forged"), "{head}");
    }
    // What is no handshake at all.
    for request in [
        format!("GET /{EVIL} HTTP/1.1\r\n\r\n"),
        format!("{EVIL}\r\n\r\n"),
        "GET / HTTP/1.1\r\nA\u{1b}[31m: b\r\n\r\n".into(),
    ] {
        let mut peer = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        raw::patient(&peer);
        peer.write_all(request.as_bytes()).unwrap();
        let answer = read_head(&mut peer);
        assert!(!answer.contains("forged") && !answer.contains('\u{1b}'), "{answer}");
    }
    server.free().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    set_log("", WSADDIN_LOG_INFO).unwrap();
    lines_are_ours(&text);
}

#[test]
fn a_servers_texts_stay_where_they_belong() {
    let _alone = alone();
    let scratch = Scratch::new("hostile-server");
    let log = scratch.path().join("log.txt");
    set_log(log.to_str().unwrap(), WSADDIN_LOG_FRAMES).unwrap();
    // A status line, a header, an address of a redirection and a body, each with all of it.
    let bare = EVIL.replace("\r\n", "");
    for answer in [
        format!("HTTP/1.1 403 {bare}\r\nContent-Length: 0\r\n\r\n"),
        format!("HTTP/1.1 302 Found\r\nLocation: ws://{bare}/\r\nContent-Length: 0\r\n\r\n"),
        format!("HTTP/1.1 500 Error\r\nContent-Length: {}\r\n\r\n{EVIL}", EVIL.len()),
        format!("{EVIL}\r\n\r\n"),
    ] {
        let peer = Peer::answering(answer);
        let client = Client::new();
        client.connect(&peer.url()).unwrap_err();
        no_line_break(&error_description());
    }
    let extension = "Sec-WebSocket-Protocol: a\",\"forged\":\"b\r\nSec-WebSocket-Extensions: x; y=\"\u{9b}\"\r\n";
    let peer = Peer::new(move |stream| {
        let head = read_head(stream);
        let _ = stream.write_all(accept(&head, extension).as_bytes());
        Then::Keep
    });
    let client = Client::new();
    client.connect(&peer.url()).unwrap_err();
    no_line_break(&error_description());
    // A reason.
    let reason = &EVIL[..EVIL.floor_char_boundary(120)];
    let body = close_body(4001, reason);
    let peer = Peer::websocket(move |stream| {
        let _ = stream.write_all(&frame(FIN | CLOSE, false, &body));
        Then::Keep
    });
    let client = Client::new();
    client.connect(&peer.url()).unwrap();
    assert_eq!(client.receive(SOON), Ok(Got::Closed));
    assert_eq!((client.close_code(), client.close_reason()), (4001, reason.to_owned()));
    assert!(client.statistics().get("forged").is_none());
    client.free().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    set_log("", WSADDIN_LOG_INFO).unwrap();
    lines_are_ours(&text);
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Each declares 60 MB and sends 64 bytes of it.
fn half_sent(count: usize) {
    let _alone = alone();
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a live place for the limits.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
    let room = usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX);
    assert!(room > 2 * count + 100, "this needs {} descriptors: ulimit -n", 2 * count + 100);
    let server = Server::new();
    // These peers answer no ping, however long all of this takes.
    server.ping_interval(0);
    server.run("127.0.0.1", 0).unwrap();
    // Key 0: the payload is as it travels.
    let mut begun = vec![FIN | BINARY, 0x80 | 127];
    begun.extend(60_000_000_u64.to_be_bytes());
    begun.extend([0; 4]);
    begun.extend([7; 64]);
    let begin = || {
        let mut peer = client(server.port());
        peer.write_all(&begun).unwrap();
        peer
    };
    let mut peers: Vec<_> = (0..10).map(|_| begin()).collect();
    let before = resident_kib();
    peers.extend((10..count).map(|_| begin()));
    // A message of the last that is begun shows that what came before has been read.
    until("all are there", || server.connection_count() == i64::try_from(count).unwrap());
    let each = resident_kib().saturating_sub(before) * 1024 / count;
    println!("{count} half-sent messages: {each} bytes each");
    assert!(each < 8192, "{each} bytes each");
    // Others are served meanwhile, and a client that goes on with what it began is, too.
    let other = Client::new();
    other.connect(&server.url()).unwrap();
    other.send("still there?").unwrap();
    until("the message has come", || {
        let event = server.receive_event(SOON).unwrap().event();
        event.event == WSADDIN_EVENT_MESSAGE && event.text() == "still there?"
    });
    let mut first = peers.swap_remove(0);
    drop(peers);
    server.stop().unwrap();
    assert_eq!(read_close(&mut first).map(|(code, _)| code), Some(1001));
}

#[test]
fn half_sent_messages_cost_what_has_come_of_them() {
    half_sent(2000);
}

#[test]
#[ignore = "takes 20,000 descriptors and half a minute"]
fn ten_thousand_half_sent_messages_cost_what_has_come_of_them() {
    half_sent(9_900);
}
