//! An answer.

use super::fault::Fault;
use super::request::Request;
use super::status::phrase;
use std::fmt::Write;
use std::io;

/// What an answer carries that is read piece by piece, by threads that may block.
pub trait Pieces: Send {
    /// The next piece, at most 256 KiB; empty: there is no more.
    ///
    /// # Errors
    /// It cannot be read on: the connection breaks, so that the client learns.
    fn next(&mut self) -> io::Result<Vec<u8>>;
}

/// The content of an answer.
pub enum Content {
    Bytes(Vec<u8>),
    /// So many bytes, read piece by piece.
    Pieces(Box<dyn Pieces>, u64),
}

/// See the module's page.
pub struct Response {
    pub status: u16,
    /// Names and values, each of our own making.
    headers: Vec<(&'static str, String)>,
    pub content: Content,
}

impl Response {
    pub fn new(status: u16, kind: &str, content: Vec<u8>) -> Self {
        let headers = vec![("Content-Type", kind.to_owned())];
        Self { status, headers, content: Content::Bytes(content) }
    }

    /// One of a short text for people.
    pub fn text(status: u16, text: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text.as_bytes().to_vec())
    }

    pub fn no_memory() -> Self {
        Self::text(503, "Out of memory")
    }

    pub fn json(status: u16, json: String) -> Self {
        Self::new(status, "application/json", json.into_bytes())
    }

    /// One without content and without a word of it, as 304 has to be.
    pub fn bare(status: u16) -> Self {
        Self { status, headers: Vec::new(), content: Content::Bytes(Vec::new()) }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn pieces(mut self, pieces: Box<dyn Pieces>, length: u64) -> Self {
        self.content = Content::Pieces(pieces, length);
        self
    }

    fn length(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Pieces(_, length) => *length,
        }
    }

    /// The head; `keep`: the connection goes on, `old`: HTTP/1.0 has to be told so.
    pub fn head(&self, keep: bool, old: bool) -> Vec<u8> {
        let mut head = String::with_capacity(256);
        // Writing to a String cannot fail.
        let _ = write!(head, "HTTP/1.1 {} {}\r\n", self.status, phrase(self.status));
        match (keep, old) {
            (false, _) => head.push_str("Connection: close\r\n"),
            (true, true) => head.push_str("Connection: keep-alive\r\n"),
            (true, false) => {}
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if self.status != 304 {
            let _ = write!(head, "Content-Length: {}\r\n", self.length());
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// 405 with the methods that are allowed.
    pub fn wrong_method(allow: &'static str) -> Self {
        Self::text(405, &format!("{allow} is needed")).with("Allow", allow)
    }

    /// 304, or none: whether what the client has is still what there is, RFC 9110 section 13.1.2.
    pub fn is_fresh(request: &Request, tag: &str) -> bool {
        let known = request.header("If-None-Match").unwrap_or_default();
        crate::options::list(&known).any(|entry| entry == "*" || entry.strip_prefix("W/").unwrap_or(entry) == tag)
    }
}

impl From<Fault> for Response {
    fn from(fault: Fault) -> Self {
        Self::text(fault.status, fault.text)
    }
}
