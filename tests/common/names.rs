//! Servers whose connections have names, and peers that break off, stall or only look at the answer.
#![allow(dead_code, reason = "each test file uses its part")]

use super::face::{Client, SOON, Server};
use super::raw;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use websocket_addin::capi::WSADDIN_EVENT_MESSAGE;

/// What it may take to fill a queue whose peer does not read.
pub const FILL: Duration = Duration::from_secs(60);

/// A server that takes names from the parameter `id`.
pub fn naming() -> Server {
    let server = Server::new();
    server.set_name_parameter("id").unwrap();
    server.run("127.0.0.1", 0).unwrap();
    server
}

pub fn url(server: &Server, name: &str) -> String {
    format!("{}?id={name}", server.url())
}

/// A client of that name, and the id that it has.
pub fn come(server: &Server, name: &str) -> (Client, u64) {
    let client = Client::new();
    client.connect(&url(server, name)).unwrap();
    (client, server.opened())
}

/// The next messages.
pub fn texts(client: &Client, count: usize) -> Vec<String> {
    (0..count).map(|_| client.receive(SOON).unwrap().event().text().to_owned()).collect()
}

/// A message that is recognized by its number and fills sockets.
pub fn padded(number: usize) -> String {
    format!("{number:08}{}", "x".repeat(32 * 1024))
}

/// Sends padded messages until `send` says that one has found its queue full; how many it has taken before. The system
/// may take as much as it likes meanwhile: only the time bounds it.
pub fn fill(mut send: impl FnMut(&str) -> bool) -> usize {
    let begin = Instant::now();
    let mut number = 0;
    while send(&padded(number)) {
        number += 1;
        assert!(begin.elapsed() < FILL, "its queue is never full, after {number} messages");
    }
    number
}

fn number(text: &str) -> usize {
    text[..8].parse().unwrap()
}

/// The numbers of padded messages up to `last`.
pub fn numbers(client: &Client, last: usize) -> Vec<usize> {
    let mut all = Vec::new();
    while all.last() != Some(&last) {
        let event = client.receive(SOON).unwrap().event();
        assert_eq!(event.event, WSADDIN_EVENT_MESSAGE);
        all.push(number(event.text()));
    }
    all
}

/// A connection and the head of the answer to its request.
pub fn shake(port: u16, target: &str, more: &str) -> (TcpStream, String) {
    let mut stream = raw::knock(port, target, more);
    let head = raw::read_head(&mut stream);
    (stream, head)
}

/// The status of the answer. A connection that opens breaks at once.
pub fn status(server: &Server, target: &str, more: &str) -> u16 {
    shake(server.port(), target, more).1.split(' ').nth(1).unwrap().parse().unwrap()
}

/// A peer that reads nothing once it is connected.
pub struct Stalled(pub TcpStream);

impl Stalled {
    pub fn come(server: &Server, name: &str) -> Self {
        let mut stream = raw::knock_narrowly(server.port(), &format!("/?id={name}"), "");
        let head = raw::read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Self(stream)
    }

    /// Breaks off without a word.
    pub fn vanish(self) {
        drop(self.0);
    }

    /// The numbers of the whole padded messages that had been sent to it, until its end.
    pub fn read_all(self) -> Vec<usize> {
        self.read_to_close().0
    }

    /// And the code of the close frame, if one came.
    pub fn read_to_close(mut self) -> (Vec<usize>, Option<u16>) {
        let mut all = Vec::new();
        // A reset is an end, too.
        while let Some((first, payload)) = raw::read_frame(&mut self.0) {
            match first {
                0x81 => all.push(number(std::str::from_utf8(&payload).unwrap())),
                0x88 => return (all, Some(u16::from_be_bytes([payload[0], payload[1]]))),
                other => panic!("{other:#x}"),
            }
        }
        (all, None)
    }
}
