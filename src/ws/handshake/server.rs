//! The server's end: reading a request (RFC 6455 section 4.2.1, RFC 9112).

use super::head::{Collector, has_token};
use super::refusal::Refusal;
use super::request::Request;
use crate::error::memory;
use httparse::Status;

/// The longest head in bytes: twice what servers commonly take, for long cookies and tokens.
const LIMIT: usize = 16 * 1024;
/// The most headers; a browser sends about 20.
const MAX_HEADERS: usize = 128;

/// One handshake of a server. Holds only what is incomplete.
pub struct ServerHandshake {
    head: Collector,
    /// What came behind the plain request before this one.
    waiting: Vec<u8>,
    /// The connection has served a plain request.
    kept: bool,
}

/// What a client asks for, and the bytes behind the head.
pub enum Heard {
    /// A valid request; the rest are the connection's first frames.
    WebSocket(Request, Vec<u8>),
    /// The head of a request of plain HTTP, not looked at; the rest is its body, and what follows.
    Plain(Vec<u8>, Vec<u8>),
}

impl ServerHandshake {
    pub fn new() -> Self {
        Self { head: Collector::new(), waiting: Vec::new(), kept: false }
    }

    /// The next one on a connection that has served a plain request; `waiting` came behind that.
    pub fn after_plain(waiting: Vec<u8>) -> Self {
        Self { head: Collector::new(), waiting, kept: true }
    }

    /// What has to be fed before anything is read.
    pub fn take_waiting(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.waiting)
    }

    /// Nothing has come yet.
    pub fn is_untouched(&self) -> bool {
        self.head.bytes.is_empty()
    }

    /// Nothing has come since a plain request was answered: the connection may end without a word.
    pub fn is_idle(&self) -> bool {
        self.kept && self.is_untouched()
    }

    /// What a request is told whose head has not become whole in time (RFC 9110 section 15.5.9); `None` where none has
    /// begun: a peer that has sent nothing may be about to use the connection, and would take an answer for that to what
    /// it sends next.
    pub fn overdue(&self) -> Option<Refusal> {
        let begun = blank(&self.head.bytes) < self.head.bytes.len();
        begun.then(|| Refusal::new(408, "The request takes too long").to(self.asks_for_head()))
    }

    /// Takes what was received; `None` when more is needed. Done: a valid request, and the bytes behind the head,
    /// which are the first of the connection's frames. What is behind `Ok(Some)` or `Err` must not be fed again.
    ///
    /// # Errors
    /// What to answer instead, as soon as it shows: 400, 405, 426 or 431; 503 where there is no memory.
    #[cfg(test)]
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<(Request, Vec<u8>)>, Refusal> {
        Ok(self.hear(bytes, false)?.map(|heard| match heard {
            Heard::WebSocket(request, rest) => (request, rest),
            Heard::Plain(..) => unreachable!("plain HTTP is not served"),
        }))
    }

    /// Takes what was received; `None` when more is needed. With `serves_http`, what does not ask for WebSocket is
    /// [`Heard::Plain`]. What is behind `Ok(Some)` or `Err` must not be fed again.
    ///
    /// # Errors
    /// What to answer instead, as soon as it shows: 400, 405, 426 or 431; 503 where there is no memory.
    pub fn hear(&mut self, bytes: &[u8], serves_http: bool) -> Result<Option<Heard>, Refusal> {
        let worth = self.head.add(bytes).map_err(|_| no_memory());
        worth
            .and_then(|worth| self.judge(worth, serves_http))
            .map_err(|refusal| Refusal { bodiless: self.asks_for_head(), ..refusal })
    }

    fn judge(&mut self, worth: bool, serves_http: bool) -> Result<Option<Heard>, Refusal> {
        let too_long = || Err(Refusal::new(431, "The request's head is too long"));
        let parsed = if worth { self.parse(serves_http)? } else { None };
        match parsed {
            Some((_, length)) if length > LIMIT => too_long(),
            Some((target, length)) => {
                let behind = self.head.bytes.get(length..).unwrap_or_default();
                let rest = memory::collect(behind.len(), behind.iter().copied()).map_err(|_| no_memory())?;
                let mut head = std::mem::take(&mut self.head.bytes);
                head.truncate(length);
                head.drain(..blank(&head));
                Ok(Some(match target {
                    Some(target) => Heard::WebSocket(Request::new(head, &target)?, rest),
                    None => Heard::Plain(head, rest),
                }))
            }
            None if self.head.bytes.len() >= LIMIT => too_long(),
            None => Ok(None),
        }
    }

    /// The request target, where WebSocket is asked for, and the length of the head; `None` while it is incomplete.
    fn parse(&self, serves_http: bool) -> Result<Option<(Option<String>, usize)>, Refusal> {
        let mut headers = vec![httparse::EMPTY_HEADER; self.head.header_count(LIMIT, MAX_HEADERS)];
        let mut request = httparse::Request::new(&mut headers);
        let status = request.parse(&self.head.bytes).map_err(|error| match error {
            httparse::Error::TooManyHeaders => Refusal::new(431, "Too many headers"),
            httparse::Error::HeaderName | httparse::Error::HeaderValue => Refusal::new(400, "Bad header"),
            httparse::Error::NewLine | httparse::Error::Status | httparse::Error::Token | httparse::Error::Version => {
                Refusal::new(400, if self.is_tls() { "This port has no TLS" } else { "Bad request line" })
            }
        })?;
        // Both are known before the head is complete.
        match (request.version, request.method) {
            _ if serves_http => {}
            (Some(1), Some("GET" | "HEAD")) => {}
            (Some(1), Some("OPTIONS")) => return Err(Refusal::plain(405, "GET is needed")),
            (Some(1), Some(_)) => return Err(Refusal::new(405, "GET is needed")),
            _ => {}
        }
        let Status::Complete(length) = status else { return Ok(None) };
        let modern = request.version == Some(1);
        let values = |name| request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        if serves_http && !(request.method == Some("GET") && values("Upgrade").any(|value| is_websocket(value.value))) {
            return Ok(Some((None, length)));
        }
        // RFC 9112 section 3.2; HTTP/1.0 has none.
        match values("Host").count() {
            1 => {}
            0 if !modern => {}
            _ => return Err(Refusal::new(400, "Exactly one Host header is needed")),
        }
        // RFC 9110 section 7.8: an Upgrade header in HTTP/1.0 is as good as none. Load balancers check with such requests,
        // and reverse proxies use HTTP/1.0 until they are told otherwise.
        if !modern && values("Upgrade").next().is_some() {
            return Err(Refusal::new(426, "HTTP/1.1 is needed; a proxy on the way uses HTTP/1.0"));
        }
        if !modern || request.method == Some("HEAD") {
            return Err(Refusal::plain(426, Refusal::WEBSOCKET));
        }
        Ok(request.path.map(|target| (Some(target.to_owned()), length)))
    }

    fn asks_for_head(&self) -> bool {
        self.head.bytes[blank(&self.head.bytes)..].starts_with(b"HEAD ")
    }

    /// A TLS record of a handshake, RFC 8446 section 5.1.
    fn is_tls(&self) -> bool {
        self.head.bytes.first() == Some(&0x16)
    }
}

fn is_websocket(upgrade: &[u8]) -> bool {
    std::str::from_utf8(upgrade).is_ok_and(|upgrade| has_token(upgrade, "websocket"))
}

fn no_memory() -> Refusal {
    Refusal::new(503, "Out of memory")
}

/// Empty lines before a request are to be ignored, RFC 9112 section 2.2.
fn blank(head: &[u8]) -> usize {
    head.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

impl Default for ServerHandshake {
    fn default() -> Self {
        Self::new()
    }
}
