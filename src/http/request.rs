//! The head of a request, RFC 9112 sections 3 and 5.

use super::body::Framing;
use super::fault::Fault;
use crate::error::memory;
use crate::options::list;
use std::borrow::Cow;
use std::ops::Range;

/// The most headers; a browser sends about 20.
const MAX_HEADERS: usize = 128;

/// The head of a valid request, kept as it came.
#[derive(Debug)]
pub struct Request {
    head: Vec<u8>,
    method: Range<usize>,
    /// Percent-encoded, as is the query.
    path: Range<usize>,
    query: Range<usize>,
    headers: usize,
    /// HTTP/1.1 rather than 1.0.
    modern: bool,
}

impl Request {
    /// `head`: from the request line to the empty line, both included, and nothing behind.
    ///
    /// # Errors
    /// 400, 431 or 505.
    pub fn parse(head: Vec<u8>) -> Result<Self, Fault> {
        let bad = |text| Err(Fault::new(400, text));
        let lines = head.iter().filter(|byte| **byte == b'\n').count();
        let mut headers = vec![httparse::EMPTY_HEADER; lines.min(MAX_HEADERS)];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(&head) {
            Ok(httparse::Status::Complete(length)) if length == head.len() => {}
            Ok(_) => return bad("Bad request"),
            Err(httparse::Error::TooManyHeaders) => return Err(Fault::new(431, "Too many headers")),
            Err(httparse::Error::Version) => return Err(Fault::new(505, "HTTP/1.1 or 1.0 is needed")),
            Err(_) => return bad("Bad request"),
        }
        let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
            return bad("Bad request line");
        };
        let modern = minor == 1;
        let hosts = parsed.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("Host"));
        // RFC 9112 section 3.2; HTTP/1.0 has none.
        match hosts.count() {
            1 => {}
            0 if !modern => {}
            _ => return bad("Exactly one Host header is needed"),
        }
        // RFC 9112 section 3.2: a path, or an absolute URL; `*` is for OPTIONS, and host:port for CONNECT alone.
        let skipped = match (target.starts_with('/'), target.split_once("://")) {
            _ if target.contains('#') => return bad("Bad request target"),
            (true, _) => 0,
            (false, Some((scheme, rest))) => scheme.len() + 3 + rest.find(['/', '?']).unwrap_or(rest.len()),
            (false, None) => return bad("Bad request target"),
        };
        let start = target.as_ptr() as usize - head.as_ptr() as usize;
        let first = method.as_ptr() as usize - head.as_ptr() as usize;
        let mark = target.find('?').unwrap_or(target.len()).max(skipped);
        let line = head.iter().skip(start).position(|byte| *byte == b'\n').map_or(head.len(), |end| start + end + 1);
        Ok(Self {
            method: first..first + method.len(),
            path: start + skipped..start + mark,
            query: start + (mark + 1).min(target.len())..start + target.len(),
            headers: line,
            modern,
            head,
        })
    }

    /// All of it, as it came. It may hold secrets.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// A copy of it, to be parsed again elsewhere.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn copy_head(&self) -> crate::error::Result<Vec<u8>> {
        memory::collect(self.head.len(), self.head.iter().copied())
    }

    fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(self.head.get(range.clone()).unwrap_or_default()).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.text(&self.method)
    }

    /// Whether it only asks for what is there: GET or HEAD.
    pub fn is_read(&self) -> bool {
        matches!(self.method(), "GET" | "HEAD")
    }

    /// The path, percent-encoded as it came.
    pub fn path(&self) -> &str {
        match self.text(&self.path) {
            "" => "/",
            path => path,
        }
    }

    /// The query without its `?`, percent-encoded as it came.
    pub fn query(&self) -> &str {
        self.text(&self.query)
    }

    /// The values of the headers of this name, in any case, in their order. Bytes that are not UTF-8 are replaced.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        let lines = self.head.get(self.headers..).unwrap_or_default().split(|byte| *byte == b'\n');
        // httparse has read these lines: `name: value` each, then an empty one. Folding is not accepted in requests.
        lines.filter_map(move |line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let same = line[..colon].eq_ignore_ascii_case(name.as_bytes());
            same.then(|| String::from_utf8_lossy(line[colon + 1..].trim_ascii()))
        })
    }

    /// A header's value, repeats joined by `", "`.
    pub fn header(&self, name: &str) -> Option<String> {
        self.values(name).map(Cow::into_owned).reduce(|mut all, next| {
            // No more than the head, of which it is a part.
            all.reserve_exact(next.len() + 2);
            all + ", " + &next
        })
    }

    fn names(&self, header: &str, token: &str) -> bool {
        self.values(header).any(|value| list(&value).any(|entry| entry.eq_ignore_ascii_case(token)))
    }

    /// Whether the connection may serve another request, RFC 9112 section 9.3.
    pub fn keeps_alive(&self) -> bool {
        match self.modern {
            true => !self.names("Connection", "close"),
            false => self.names("Connection", "keep-alive"),
        }
    }

    /// HTTP/1.0, which has to be told that the connection goes on, and knows no interim answers.
    pub fn is_old(&self) -> bool {
        !self.modern
    }

    /// Whether the client waits for a word before it sends the body, RFC 9110 section 10.1.1.
    ///
    /// # Errors
    /// 417: it expects something else.
    pub fn expects_continue(&self) -> Result<bool, Fault> {
        match self.header("Expect") {
            None => Ok(false),
            Some(value) if value.eq_ignore_ascii_case("100-continue") => Ok(self.modern),
            Some(_) => Err(Fault::new(417, "100-continue is all that can be expected")),
        }
    }

    /// How the body's end is told, RFC 9112 section 6.3.
    ///
    /// # Errors
    /// 400 or 501: it is told in two ways, or in none that all readers understand alike.
    pub fn framing(&self) -> Result<Framing, Fault> {
        let bad = |text| Err(Fault::new(400, text));
        let lengths: Vec<_> = self.values("Content-Length").collect();
        let mut codings = self.values("Transfer-Encoding");
        match (codings.next(), codings.next(), &lengths[..]) {
            (None, _, []) => Ok(Framing::Length(0)),
            (None, _, [length]) => {
                let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
                match length.parse() {
                    Ok(length) if digits => Ok(Framing::Length(length)),
                    _ => bad("Bad Content-Length"),
                }
            }
            (None, ..) => bad("More than one Content-Length"),
            (Some(_), _, [_, ..]) => bad("Content-Length beside Transfer-Encoding"),
            (Some(_), ..) if !self.modern => bad("Transfer-Encoding in HTTP/1.0"),
            (Some(coding), None, []) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
            (Some(_), ..) => Err(Fault::new(501, "Of the transfer codings only chunked is known")),
        }
    }
}
