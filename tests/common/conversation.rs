//! The conversation of the interoperability tests, see `tests/interop/README.md`.

use crate::addin::{Client, EVENT_CLOSE, EVENT_MESSAGE, EVENT_OPEN, FOREVER, Message, Received, Server};
use crate::peer::{DEADLINE, Peer};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

const DEADLINE_MS: i64 = DEADLINE.as_millis() as i64;
const SIZE: usize = 16 * 1024 * 1024;

// The same values as in tests/interop/values.py, whose peers compare what they get with them.
const PATTERN: &str = "Ж🙂a\u{0}12345678";
const FRAGMENTED_TEXT: &str = "фрагменты 🙂\u{0} и всё";
const FRAGMENTED_BINARY: &[u8] = b"\x00\x01\xfe\xff";

pub fn closes() -> Vec<(u16, String)> {
    vec![
        (1000, String::new()),
        (1001, "going away".to_owned()),
        (3000, "прощай 👋".to_owned()),
        // 122 bytes: as long as a reason of whole two-byte letters can be.
        (4999, "я".repeat(61)),
    ]
}

fn texts() -> Vec<String> {
    vec!["Привет, мир 🙂".to_owned(), "a\0b\0".to_owned(), String::new(), PATTERN.repeat(SIZE / PATTERN.len())]
}

fn binaries() -> Vec<Vec<u8>> {
    vec![
        (0..=255).collect(),
        Vec::new(),
        (0..SIZE).map(|index| u8::try_from(index % 256 * 7 % 256).expect("a byte")).collect(),
    ]
}

fn take(received: crate::addin::Result<Received>, what: &str) -> Message {
    match received {
        Ok(Received::Message(message)) => message,
        Ok(Received::Timeout) => panic!("{what}: nothing came in time"),
        Ok(Received::Closed) => panic!("{what}: the connection has ended"),
        Err(error) => panic!("{what}: {error}"),
    }
}

/// Compares without printing 16 MiB.
fn assert_data(message: &Message, binary: bool, data: &[u8], what: &str) {
    assert_eq!(message.event(), EVENT_MESSAGE, "{what}");
    assert_eq!(message.is_binary(), binary, "{what}: the type");
    let difference = message.data().iter().zip(data).position(|(got, wanted)| got != wanted);
    assert_eq!((message.data().len(), difference), (data.len(), None), "{what}: the length, and where it differs");
}

/// Our client goes through the whole conversation with `peer`, a server that answers.
/// `echoes_code`: the peer answers a close with its code; aiohttp answers any close with 1000.
pub fn client_talks_to(peer: &Peer, echoes_code: bool) {
    client_talks_at(&format!("ws://127.0.0.1:{}/", peer.line_after("port ")), peer, echoes_code);
}

/// The same at this URL.
pub fn client_talks_at(url: &str, peer: &Peer, echoes_code: bool) {
    let client = Client::new().unwrap();
    let next = |what: &str| take(client.receive(DEADLINE_MS), what);

    client.connect(url).unwrap();
    for text in texts() {
        client.send_text(&text).unwrap();
        assert_data(&next("echo"), false, text.as_bytes(), "echo");
    }
    for data in binaries() {
        client.send_binary(&data).unwrap();
        assert_data(&next("echo"), true, &data, "echo");
    }
    client.send_text("!fragments").unwrap();
    assert_data(&next("fragments"), false, FRAGMENTED_TEXT.as_bytes(), "fragments");
    assert_data(&next("fragments"), true, FRAGMENTED_BINARY, "fragments");
    assert!(client.ping(DEADLINE_MS).unwrap() >= 0);
    client.send_text("!ping").unwrap();
    assert_data(&next("after the peer's ping"), false, b"pong", "after the peer's ping");
    assert!(client.disconnect(3000, "конец разговора").unwrap(), "the close was clean");
    assert_eq!(peer.line(), r#"closed 3000 "конец разговора""#);

    for (code, reason) in closes() {
        client.connect(url).unwrap();
        assert!(client.disconnect(code, &reason).unwrap(), "{code}: the close was clean");
        assert_eq!(peer.line(), format!("closed {code} {}", serde_json::to_string(&reason).unwrap()));
    }
    for (code, reason) in closes() {
        client.connect(url).unwrap();
        // Taken before the end: a connection that has come and gone leaves neither event.
        let open = take(client.receive_event(DEADLINE_MS), "open");
        assert_eq!(open.event(), EVENT_OPEN);
        client.send_text(&format!("!close {code} {reason}")).unwrap();
        let close = take(client.receive_event(DEADLINE_MS), "close");
        assert_eq!(close.event(), EVENT_CLOSE);
        let json: serde_json::Value = serde_json::from_str(close.text()).unwrap();
        assert_eq!(json, serde_json::json!({ "code": code, "reason": reason, "clean": true }));
        assert!(matches!(client.receive(FOREVER), Ok(Received::Closed)), "what has ended gives nothing more");
        let line = peer.line();
        assert!(!echoes_code || line.starts_with(&format!("closed {code} ")), "{code} was answered: {line}");
    }
}

/// How a connection ended, as the server's close event told it.
#[derive(Debug)]
pub struct Closed {
    pub connection: u64,
    pub code: u16,
    pub reason: String,
    pub clean: bool,
}

/// Our server, answering whoever comes.
pub struct Answering {
    server: Arc<Server>,
    pub url: String,
    closed: Receiver<Closed>,
    verdicts: Receiver<String>,
    thread: Option<JoinHandle<()>>,
}

impl Answering {
    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    pub fn start_at(interface: &str) -> Self {
        let server = Arc::new(Server::new().unwrap());
        server.run(interface, 0).unwrap();
        let url = format!("ws://127.0.0.1:{}/", server.port().unwrap());
        let (close_sender, closed) = channel();
        let (verdict_sender, verdicts) = channel();
        let answering = server.clone();
        let thread = std::thread::spawn(move || answer(&answering, &close_sender, &verdict_sender));
        Self { server, url, closed, verdicts, thread: Some(thread) }
    }

    /// The next `count` ends of connections, in the order in which the connections began.
    pub fn closed(&self, count: usize) -> Vec<Closed> {
        let next = |_| self.closed.recv_timeout(DEADLINE).expect("another connection ends");
        let mut closed: Vec<_> = (0..count).map(next).collect();
        closed.sort_by_key(|closed| closed.connection);
        closed
    }

    /// What the browser says in the end.
    pub fn verdict(&self) -> String {
        self.verdicts.recv_timeout(DEADLINE).expect("the page tells how it went")
    }

    /// Stops the server; fails if the answering failed.
    pub fn stop(mut self) {
        self.server.stop().unwrap();
        self.thread.take().expect("it runs until now").join().expect("the answering went well");
    }
}

fn answer(server: &Server, closed: &Sender<Closed>, verdicts: &Sender<String>) {
    loop {
        let event = match server.receive_event(FOREVER).unwrap() {
            Received::Message(event) => event,
            Received::Closed => return,
            Received::Timeout => panic!("a wait without limit has no time-out"),
        };
        let connection = event.connection();
        match event.event() {
            EVENT_CLOSE => {
                let json: serde_json::Value = serde_json::from_str(event.text()).unwrap();
                let code = json["code"].as_u64().and_then(|code| u16::try_from(code).ok()).expect("a code");
                let reason = json["reason"].as_str().expect("a reason").to_owned();
                let clean = json["clean"].as_bool().expect("clean or not");
                // Nobody may want to know any more.
                let _ = closed.send(Closed { connection, code, reason, clean });
            }
            EVENT_MESSAGE if event.is_binary() => assert!(server.send_binary(connection, event.data()).unwrap()),
            EVENT_MESSAGE => answer_text(server, connection, event.text(), verdicts),
            _ => {}
        }
    }
}

fn answer_text(server: &Server, connection: u64, text: &str, verdicts: &Sender<String>) {
    if text == "!ping" {
        assert!(server.ping(connection, DEADLINE_MS).unwrap() >= 0);
        assert!(server.send_text(connection, "pong").unwrap());
    } else if let Some(close) = text.strip_prefix("!close ") {
        let (code, reason) = close.split_once(' ').expect("a code and a reason");
        assert!(server.disconnect(connection, code.parse().expect("a number"), reason).unwrap());
    } else if let Some(verdict) = text.strip_prefix("!verdict ") {
        let _ = verdicts.send(verdict.to_owned());
    } else {
        assert!(server.send_text(connection, text).unwrap());
    }
}

/// What the ends of the connections have to be after a client has gone through the conversation: the long one, those
/// that the client closed with `by_client`, and `by_server` that our server closed.
pub fn assert_closes(server: &Answering, by_client: &[(u16, String)], by_server: &[(u16, String)], echoes_code: bool) {
    let closed = server.closed(1 + by_client.len() + by_server.len());
    assert!(closed.iter().all(|closed| closed.clean), "{closed:#?}");
    let expected = [(3000, "конец разговора".to_owned())].into_iter().chain(by_client.iter().cloned());
    for (closed, (code, reason)) in closed.iter().zip(expected) {
        assert_eq!((closed.code, &closed.reason), (code, &reason), "closed by the client");
    }
    if echoes_code {
        for (closed, (code, _)) in closed[1 + by_client.len()..].iter().zip(by_server) {
            assert_eq!(closed.code, *code, "closed by the server");
        }
    }
}

/// `peer`, a client, goes through the whole conversation with our server.
pub fn server_talks_to(peer: impl FnOnce(&str) -> Option<Peer>, echoes_code: bool) {
    server_talks_at("127.0.0.1", peer, echoes_code);
}

/// The same on this interface.
pub fn server_talks_at(interface: &str, peer: impl FnOnce(&str) -> Option<Peer>, echoes_code: bool) {
    let server = Answering::start_at(interface);
    let Some(peer) = peer(&server.url) else { return server.stop() };
    let (success, output) = peer.end();
    assert!(success && output == ["passed"], "the peer says: {output:?}");
    assert_closes(&server, &closes(), &closes(), echoes_code);
    server.stop();
}
