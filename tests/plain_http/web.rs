//! A client of HTTP/1.1 that does exactly what a test tells it.

use crate::raw;
use std::io::{Read, Write};
use std::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        raw::header(&self.head, name)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// A connection.
pub struct Web(pub TcpStream);

impl Web {
    pub fn new(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        raw::patient(&stream);
        Self(stream)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.write_all(bytes.as_ref()).unwrap();
        self
    }

    /// The next answer; to HEAD, and with a status that has none, without content.
    pub fn answer(&mut self, bodiless: bool) -> Answer {
        let head = raw::read_head(&mut self.0);
        let status = head.split(' ').nth(1).unwrap_or_default().parse();
        let status = status.unwrap_or_else(|_| panic!("an answer: {head:?}"));
        let length = match raw::header(&head, "Content-Length") {
            Some(length) if !bodiless => length.parse().unwrap(),
            _ => 0,
        };
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Answer { status, head, body }
    }

    /// Asks for something in a request without a body.
    pub fn ask(&mut self, method: &str, target: &str, more: &str) -> Answer {
        self.send(format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{more}\r\n"));
        self.answer(method == "HEAD")
    }

    pub fn get(&mut self, target: &str) -> Answer {
        self.ask("GET", target, "")
    }

    /// Whether the server has nothing more to say, and says so.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 64]), Ok(0))
    }
}
