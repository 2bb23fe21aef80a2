//! The client's end: what is asked, and whether the answer may be trusted (RFC 6455 section 4.1).

use super::head::{Collector, extension_names, has_token};
use crate::error::{Arg, Error, Id, Result};
use crate::ws::{Target, random, redact};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use httparse::{Header, Status};

/// The longest answer, in bytes: what servers commonly accept as a request, with a margin for long cookies.
const LIMIT: usize = 64 * 1024;

/// What both ends have agreed on; empty where nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    pub protocol: String,
    pub extensions: String,
}

/// One handshake of a client.
pub struct ClientHandshake {
    request: Vec<u8>,
    accept: String,
    protocols: Vec<String>,
    extensions: String,
    answer: Collector,
}

impl ClientHandshake {
    /// `headers`: the user's, checked with [`check_header`](super::check_header); an `Authorization` among them
    /// replaces that of the URL. `protocols`: what is offered, preferred first. `extensions`: the value of
    /// `Sec-WebSocket-Extensions`, if any is offered.
    pub fn new(target: &Target, headers: &[(String, String)], protocols: &[&str], extensions: Option<&str>) -> Self {
        let mut nonce = [0; 16];
        random::fill(&mut nonce);
        let key = BASE64_STANDARD.encode(nonce);
        let mut request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n",
            target.resource,
            target.host_header(),
        );
        let mut add = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                request.push_str(part);
            }
        };
        if !protocols.is_empty() {
            add("Sec-WebSocket-Protocol", &protocols.join(", "));
        }
        if let Some(extensions) = extensions {
            add("Sec-WebSocket-Extensions", extensions);
        }
        let own = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Authorization"));
        if let (Some(authorization), false) = (&target.authorization, own) {
            add("Authorization", authorization);
        }
        for (name, value) in headers {
            add(name, value);
        }
        request.push_str("\r\n");
        Self {
            request: request.into_bytes(),
            accept: tungstenite::handshake::derive_accept_key(key.as_bytes()),
            protocols: protocols.iter().map(|&name| name.to_owned()).collect(),
            extensions: extensions.unwrap_or_default().to_owned(),
            answer: Collector::new(),
        }
    }

    /// The bytes to send first. They may hold secrets.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// What has come of the answer, up to the end of its head. It may hold secrets.
    pub fn answer(&self) -> &[u8] {
        &self.answer.bytes
    }

    /// Takes what was received; `None` when more is needed. Done: what was agreed on, and the bytes behind the head,
    /// which are the first of the connection's frames.
    ///
    /// # Errors
    /// The rows of the table's section on the handshake: the answer is no HTTP, too long, a refusal or redirect, or
    /// does not fit the request.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<(Agreed, Vec<u8>)>> {
        let worth = self.answer.add(bytes);
        let known = self.answer.bytes.len().min(5);
        if self.answer.bytes[..known] != b"HTTP/"[..known] {
            return Err(Id::NotHttp.into());
        }
        let parsed = if worth { self.parse()? } else { None };
        let too_long = || Err(Error::new(Id::AnswerTooLong, [LIMIT.into()]));
        match parsed {
            Some((_, length)) if length > LIMIT => too_long(),
            Some((agreed, length)) => Ok(Some((agreed?, self.answer.bytes.split_off(length)))),
            None if self.answer.bytes.len() >= LIMIT => too_long(),
            None => Ok(None),
        }
    }

    /// The error for a stream that ends in this phase.
    pub fn cut(&self) -> Error {
        let bytes = &self.answer.bytes;
        if !bytes.is_empty() && !bytes.starts_with(b"HTTP/") {
            return Id::NotHttp.into();
        }
        Id::AnswerCut.into()
    }

    /// What the head says and its length; `None` while it is incomplete.
    fn parse(&self) -> Result<Option<(Result<Agreed>, usize)>> {
        let mut headers = vec![httparse::EMPTY_HEADER; self.answer.header_count(LIMIT, LIMIT)];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&self.answer.bytes) {
            Ok(Status::Complete(length)) => Ok(Some((self.check(&response), length))),
            Ok(Status::Partial) => Ok(None),
            Err(httparse::Error::TooManyHeaders) => Err(Error::new(Id::AnswerTooLong, [LIMIT.into()])),
            Err(error) => Err(Error::of(Id::NotHttp).detail(error)),
        }
    }

    fn check(&self, response: &httparse::Response<'_, '_>) -> Result<Agreed> {
        let headers = &*response.headers;
        let code = response.code.unwrap_or_default();
        if code != 101 {
            let status = redact::printable(&format!("{code} {}", response.reason.unwrap_or_default()), 100);
            return Err(match values(headers, "Location").next() {
                Some(location) if (300..400).contains(&code) => {
                    Error::new(Id::HttpRedirect, [status.into(), redact::url(&location).into()])
                }
                Some(_) | None => Error::new(Id::HttpStatus, [status.into()]),
            });
        }
        // Section 4.1: HTTP/1.1 or higher; before, there was no Upgrade.
        if response.version != Some(1) {
            return Err(Error::of(Id::NotHttp).detail("HTTP/1.0"));
        }
        if !values(headers, "Upgrade").any(|value| value.eq_ignore_ascii_case("websocket")) {
            return Err(missing("Upgrade"));
        }
        if !values(headers, "Connection").any(|value| has_token(&value, "Upgrade")) {
            return Err(missing("Connection"));
        }
        match single(headers, "Sec-WebSocket-Accept")? {
            Some(accept) if accept == self.accept => {}
            Some(_) => return Err(Id::AcceptMismatch.into()),
            None => return Err(missing("Sec-WebSocket-Accept")),
        }
        Ok(Agreed { extensions: self.extensions(headers)?, protocol: self.protocol(headers)? })
    }

    /// Names are compared exactly. None of the offered ones is an error, as in HTML and in tungstenite: a client that
    /// offers subprotocols cannot speak without.
    fn protocol(&self, headers: &[Header<'_>]) -> Result<String> {
        let selected = single(headers, "Sec-WebSocket-Protocol")?.unwrap_or_default();
        match (selected.is_empty(), self.protocols.contains(&selected)) {
            (true, _) if self.protocols.is_empty() => Ok(selected),
            (true, _) => Err(Error::new(Id::SubprotocolIgnored, [self.protocols.join(", ").into()])),
            (false, true) => Ok(selected),
            (false, false) => Err(Error::new(Id::SubprotocolForeign, [shown(&selected)])),
        }
    }

    fn extensions(&self, headers: &[Header<'_>]) -> Result<String> {
        let stated = values(headers, "Sec-WebSocket-Extensions").filter(|value| !value.is_empty());
        let used = stated.collect::<Vec<_>>().join(", ");
        let offered = |name: &str| extension_names(&self.extensions).any(|offered| offered == name);
        if let Some(foreign) = extension_names(&used).find(|name| !offered(name)) {
            return Err(Error::new(Id::ExtensionForeign, [shown(foreign)]));
        }
        Ok(used)
    }
}

fn shown(name: &str) -> Arg {
    redact::printable(name, 100).into()
}

fn missing(name: &str) -> Error {
    Error::new(Id::AnswerHeader, [name.into()])
}

/// Header values may be any bytes; those that are not UTF-8 are replaced, and then fit nothing that is expected.
fn values<'a>(headers: &'a [Header<'_>], name: &'a str) -> impl Iterator<Item = String> + 'a {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| String::from_utf8_lossy(header.value).trim().to_owned())
}

fn single(headers: &[Header<'_>], name: &str) -> Result<Option<String>> {
    let mut found = values(headers, name);
    match (found.next(), found.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(missing(name)),
    }
}
