//! The server's end: reading a request (RFC 6455 section 4.2.1, RFC 9112).

use super::head::Collector;
use super::refusal::Refusal;
use super::request::Request;
use httparse::Status;

/// The longest head in bytes: twice what servers commonly take, for long cookies and tokens.
const LIMIT: usize = 16 * 1024;
/// The most headers; a browser sends about 20.
const MAX_HEADERS: usize = 128;

/// One handshake of a server. Holds only what is incomplete.
pub struct ServerHandshake {
    head: Collector,
}

impl ServerHandshake {
    pub fn new() -> Self {
        Self { head: Collector::new() }
    }

    /// Takes what was received; `None` when more is needed. Done: a valid request, and the bytes behind the head,
    /// which are the first of the connection's frames. What is behind `Ok(Some)` or `Err` must not be fed again.
    ///
    /// # Errors
    /// What to answer instead, as soon as it shows: 400, 405, 426, 431 or 505.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<(Request, Vec<u8>)>, Refusal> {
        let too_long = || Err(Refusal::new(431, "The request's head is too long"));
        let parsed = if self.head.add(bytes) { self.parse()? } else { None };
        match parsed {
            Some((_, length)) if length > LIMIT => too_long(),
            Some((target, length)) => {
                let mut head = std::mem::take(&mut self.head.bytes);
                let rest = head.split_off(length);
                // Empty lines before a request are to be ignored, RFC 9112 section 2.2.
                let blank = head.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                head.drain(..blank);
                Ok(Some((Request::new(head, &target)?, rest)))
            }
            None if self.head.bytes.len() >= LIMIT => too_long(),
            None => Ok(None),
        }
    }

    /// The request target and the length of the head; `None` while it is incomplete.
    fn parse(&self) -> Result<Option<(String, usize)>, Refusal> {
        let mut headers = vec![httparse::EMPTY_HEADER; self.head.header_count(LIMIT, MAX_HEADERS)];
        let mut request = httparse::Request::new(&mut headers);
        let status = request.parse(&self.head.bytes).map_err(|error| match error {
            httparse::Error::TooManyHeaders => Refusal::new(431, "Too many headers"),
            httparse::Error::HeaderName | httparse::Error::HeaderValue => Refusal::new(400, "Bad header"),
            httparse::Error::NewLine | httparse::Error::Status | httparse::Error::Token | httparse::Error::Version => {
                Refusal::new(400, "Bad request line")
            }
        })?;
        // Both are known before the head is complete.
        if request.version.is_some_and(|version| version != 1) {
            return Err(Refusal::new(505, "HTTP/1.1 is needed"));
        }
        if request.method.is_some_and(|method| method != "GET") {
            return Err(Refusal::new(405, "GET is needed"));
        }
        Ok(match (status, request.path) {
            (Status::Complete(length), Some(target)) => Some((target.to_owned(), length)),
            (Status::Complete(_), None) | (Status::Partial, _) => None,
        })
    }
}

impl Default for ServerHandshake {
    fn default() -> Self {
        Self::new()
    }
}
