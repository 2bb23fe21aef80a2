//! What a client asked for.

use super::head::has_token;
use super::refusal::Refusal;
use crate::ws::deflate::is_well_formed;
use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

/// A valid request for a WebSocket connection. The head is kept as it came, in one allocation.
pub struct Request {
    head: Box<[u8]>,
    path: Range<u32>,
    query: Range<u32>,
    headers: u32,
}

impl Request {
    /// `head`: what httparse accepted of a GET with one Host, from the request line to the empty line; `target`: its request target.
    ///
    /// # Errors
    /// A [`Refusal`] when it does not ask for a WebSocket connection as RFC 6455 section 4.2.1 says.
    pub(super) fn new(head: Vec<u8>, target: &str) -> Result<Self, Refusal> {
        let bad = |text| Err(Refusal::new(400, text));
        let line = head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |end| end + 1);
        let start = "GET ".len();
        if !head.get(start..).is_some_and(|rest| rest.starts_with(target.as_bytes())) {
            return bad("Bad request line");
        }
        // Section 4.1, item 2: a path, or an absolute URL.
        let skipped = match (target.starts_with('/'), target.split_once("://")) {
            (true, _) => 0,
            (false, Some((scheme, rest))) => scheme.len() + 3 + rest.find(['/', '?']).unwrap_or(rest.len()),
            (false, None) => return bad("Bad request target"),
        };
        if target.contains('#') {
            return bad("Bad request target");
        }
        let mark = target.find('?').unwrap_or(target.len());
        let at = |offset: usize| (start + offset) as u32;
        let request = Self {
            path: at(skipped)..at(mark),
            query: at((mark + 1).min(target.len()))..at(target.len()),
            headers: line as u32,
            head: head.into_boxed_slice(),
        };
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), Refusal> {
        let bad = |text| Err(Refusal::new(400, text));
        let header = |name| self.header(name).unwrap_or_default();
        // Its body would be taken for frames.
        if self.header("Transfer-Encoding").is_some()
            || self.header("Content-Length").is_some_and(|length| length != "0")
        {
            return bad("A body is not allowed");
        }
        if !has_token(&header("Upgrade"), "websocket") {
            return Err(Refusal::plain(426, Refusal::WEBSOCKET));
        }
        if !has_token(&header("Connection"), "Upgrade") {
            return bad("Connection: Upgrade is missing");
        }
        if header("Sec-WebSocket-Version") != "13" {
            return Err(Refusal::new(426, "Sec-WebSocket-Version 13 is needed"));
        }
        if !is_key(&header("Sec-WebSocket-Key")) {
            return bad("Sec-WebSocket-Key is missing or malformed");
        }
        if !is_well_formed(&header("Sec-WebSocket-Extensions")) {
            return bad("Sec-WebSocket-Extensions is malformed");
        }
        Ok(())
    }

    /// All of it, as it came. It may hold secrets.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The path, percent-encoded as it came.
    pub fn path(&self) -> &str {
        match self.text(&self.path) {
            "" => "/",
            path => path,
        }
    }

    /// The query without its `?`, percent-encoded as it came; empty if there is none.
    pub fn query(&self) -> &str {
        self.text(&self.query)
    }

    /// All headers in the order they came. Bytes that are not UTF-8 are replaced.
    pub fn headers(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let lines = self.head.get(self.headers as usize..).unwrap_or_default().split(|byte| *byte == b'\n');
        // httparse has read these lines: `name: value` each, then an empty one. Folding is not accepted in requests.
        lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = std::str::from_utf8(&line[..colon]).ok()?;
            Some((name, String::from_utf8_lossy(line[colon + 1..].trim_ascii())))
        })
    }

    /// A header's value, repeats joined by `", "`; `name` in any case.
    pub fn header(&self, name: &str) -> Option<String> {
        self.values(name).map(Cow::into_owned).reduce(|mut all, next| {
            // No more than the head, of which it is a part.
            all.reserve_exact(next.len() + 2);
            all + ", " + &next
        })
    }

    fn values(&self, name: &str) -> impl Iterator<Item = Cow<'_, str>> {
        self.headers().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The subprotocols that the client offers, in its order of preference.
    pub fn protocols(&self) -> Vec<String> {
        let offered = self.header("Sec-WebSocket-Protocol").unwrap_or_default();
        crate::options::list(&offered).map(str::to_owned).collect()
    }

    /// The extensions that the client offers.
    pub fn extensions(&self) -> Option<String> {
        self.header("Sec-WebSocket-Extensions")
    }

    /// The answer that opens the connection, with what was selected of the client's offers and these
    /// lines of headers besides.
    pub fn accept(&self, protocol: Option<&str>, extensions: Option<&str>, more: &str) -> Vec<u8> {
        let key = self.header("Sec-WebSocket-Key").unwrap_or_default();
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        let mut answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n"
        );
        let selected = [("Protocol", protocol), ("Extensions", extensions)];
        for (name, value) in selected.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
            // Writing to a String cannot fail.
            let _ = write!(answer, "Sec-WebSocket-{name}: {value}\r\n");
        }
        answer.push_str(more);
        answer.push_str("\r\n");
        answer.into_bytes()
    }

    /// Overwrites an access token in all places where one is looked for: the query's `access_token`, `Authorization:
    /// Bearer` and subprotocols that begin with `prefix`.
    pub fn hide_token(&mut self, prefix: &str) {
        let query = self.query().split('&').map(|pair| match pair.split_once('=') {
            Some((name @ "access_token", _)) => format!("{name}=***"),
            _ => pair.to_owned(),
        });
        let query = query.collect::<Vec<_>>().join("&");
        let mut line = format!("GET {}", self.text(&self.path));
        let path = 4..line.len() as u32;
        let mark = if query.is_empty() { "" } else { "?" };
        let start = (line.len() + mark.len()) as u32;
        line = line + mark + &query + " HTTP/1.1\r\n";
        let mut head = line.into_bytes();
        let headers = head.len() as u32;
        for (name, value) in self.headers() {
            let hidden = if name.eq_ignore_ascii_case("Authorization") {
                value
                    .split_once(' ')
                    .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
                    .map(|(scheme, _)| format!("{scheme} ***"))
            } else if name.eq_ignore_ascii_case("Sec-WebSocket-Protocol") {
                let hide =
                    |entry: &str| if entry.starts_with(prefix) { format!("{prefix}***") } else { entry.to_owned() };
                Some(crate::options::list(&value).map(hide).collect::<Vec<_>>().join(", "))
            } else {
                None
            };
            let value = hidden.as_deref().unwrap_or(&value);
            head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        *self = Self { path, query: start..start + query.len() as u32, headers, head: head.into_boxed_slice() };
    }

    fn text(&self, range: &Range<u32>) -> &str {
        let bytes = self.head.get(range.start as usize..range.end as usize).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// Base64 of 16 bytes: 22 characters and two pads. The spare bits of the last character do not matter.
fn is_key(text: &str) -> bool {
    let (digits, pads) = text.as_bytes().split_at(text.len().min(22));
    pads == b"==" && digits.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte))
}
