//! The client's end: what is asked, and whether the answer may be trusted (RFC 6455 section 4.1).

use super::head::{extension_names, has_token};
use super::heard::ServerAnswer;
use super::refused::Refused;
use super::secrets::Secrets;
use crate::error::{Arg, Error, Id, Result, memory};
use crate::net::{Answer, AnswerReader, BadAnswer};
use crate::ws::{Target, random, redact};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

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
    secure: bool,
    answer: AnswerReader,
    /// What was asked for, without its query.
    path: String,
    /// What the server may not bring into an error's text.
    secrets: Secrets,
    accepted: Option<Box<ServerAnswer>>,
    refused: Option<Box<Refused>>,
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
            secure: target.secure,
            answer: AnswerReader::new(),
            path: redact::one_line(target.resource.split('?').next().unwrap_or_default(), 100),
            secrets: Secrets::of(target, headers, protocols),
            accepted: None,
            refused: None,
        }
    }

    /// The bytes to send first. They may hold secrets.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// What has come of the answer, up to the end of its head, with the interim answers before it. It may hold secrets.
    pub fn answer(&self) -> &[u8] {
        self.answer.bytes()
    }

    /// Takes what was received; `None` when more is needed, of a refusal's body too. Done: what was agreed on, and the
    /// bytes behind the head, which are the first of the connection's frames.
    ///
    /// # Errors
    /// The rows of the table's section on the handshake: the answer is no HTTP, too long, a refusal or redirect, or
    /// does not fit the request.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<(Agreed, Vec<u8>)>> {
        if let Some(refused) = &mut self.refused {
            return if refused.feed(bytes) { Err(self.refusal_or(Id::AnswerCut.into())) } else { Ok(None) };
        }
        match self.answer.feed(bytes) {
            Ok((_, None)) => Ok(None),
            Ok((taken, Some(answer))) => {
                let rest = bytes.get(taken..).unwrap_or_default();
                if answer.status.code != 101 {
                    self.refused = Some(Box::new(Refused::new(answer)));
                    return self.feed(rest);
                }
                self.accepted = Some(Box::new(ServerAnswer::new(&answer, String::new())));
                let agreed = self.check(&answer)?;
                Ok(Some((agreed, memory::collect(rest.len(), rest.iter().copied())?)))
            }
            Err(BadAnswer::NotHttp(None)) if !self.secure && is_tls(bytes) => Err(Id::AnswerIsTls.into()),
            Err(BadAnswer::NotHttp(None)) => Err(Id::NotHttp.into()),
            Err(BadAnswer::NotHttp(Some(line))) => Err(Error::of(Id::NotHttp).detail(line)),
            Err(BadAnswer::TooLong(limit)) => Err(self.refusal_or(Error::new(Id::AnswerTooLong, [limit.into()]))),
        }
    }

    /// The error for a stream that ends in this phase.
    pub fn cut(&self) -> Error {
        let untouched = self.answer.bytes().is_empty();
        self.refusal_or(if untouched && !self.secure { Id::AnswerCutPlain } else { Id::AnswerCut }.into())
    }

    /// Where an answer that may be followed leads. 300 leaves the choice to a person, 304 and 305 are of no use here.
    pub fn redirect(&self) -> Option<&str> {
        let answer = &self.refused.as_ref()?.answer;
        let follows = matches!(answer.status.code, 301 | 302 | 303 | 307 | 308);
        follows.then(|| answer.values("Location").next()).flatten()
    }

    /// Whether the head of a refusal is there, of whose body more is expected.
    pub fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// What the server answered, as far as it has come.
    pub fn heard(&self) -> Option<ServerAnswer> {
        match (&self.accepted, &self.refused) {
            (Some(accepted), _) => Some(ServerAnswer::clone(accepted)),
            (None, Some(refused)) => Some(ServerAnswer::new(&refused.answer, refused.text())),
            (None, None) => self.answer.status().map(ServerAnswer::cut),
        }
    }

    /// The error of a refusal, one whose head or body never became whole too; else `error`.
    pub fn refusal_or(&self, error: Error) -> Error {
        let path = || self.path.as_str().into();
        let shown = |text: String| self.secrets.mask(&text);
        match (&self.refused, self.answer.status()) {
            (Some(refused), _) => {
                let answer = &refused.answer;
                let status = shown(answer.status.to_string());
                match answer.values("Location").next() {
                    Some(location) if (300..400).contains(&answer.status.code) => {
                        Error::new(Id::HttpRedirect, [status.into(), redact::url(location).into()])
                    }
                    Some(_) | None => {
                        Error::new(Id::HttpStatus, [status.into(), path()]).detail(refused.words(&self.secrets))
                    }
                }
            }
            (None, Some(status)) if status.code != 101 => {
                Error::new(Id::HttpStatus, [shown(status.to_string()).into(), path()])
            }
            (None, _) => error,
        }
    }

    fn check(&self, answer: &Answer) -> Result<Agreed> {
        if !answer.values("Upgrade").any(|value| has_token(value, "websocket")) {
            return Err(missing("Upgrade"));
        }
        if !answer.values("Connection").any(|value| has_token(value, "Upgrade")) {
            return Err(missing("Connection"));
        }
        match single(answer, "Sec-WebSocket-Accept")? {
            Some(accept) if accept == self.accept => {}
            Some(_) => return Err(Id::AcceptMismatch.into()),
            None => return Err(missing("Sec-WebSocket-Accept")),
        }
        Ok(Agreed { extensions: self.extensions(answer)?, protocol: self.protocol(answer)? })
    }

    /// Names are compared exactly. None of the offered ones is an error, as in HTML and in tungstenite: a client that
    /// offers subprotocols cannot speak without.
    fn protocol(&self, answer: &Answer) -> Result<String> {
        let selected = single(answer, "Sec-WebSocket-Protocol")?.unwrap_or_default();
        match (selected.is_empty(), self.protocols.iter().any(|offered| offered == selected)) {
            (true, _) if self.protocols.is_empty() => Ok(String::new()),
            (true, _) => Err(Error::new(Id::SubprotocolIgnored, [self.protocols.join(", ").into()])),
            (false, true) => Ok(selected.to_owned()),
            (false, false) => Err(Error::new(Id::SubprotocolForeign, [shown(selected)])),
        }
    }

    fn extensions(&self, answer: &Answer) -> Result<String> {
        let stated = answer.values("Sec-WebSocket-Extensions").filter(|value| !value.is_empty());
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

/// Whether an answer begins as a TLS record of an alert or a handshake does, RFC 8446 section 5.1.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 3, ..])
}

fn missing(name: &str) -> Error {
    Error::new(Id::AnswerHeader, [name.into()])
}

fn single<'a>(answer: &'a Answer, name: &'a str) -> Result<Option<&'a str>> {
    let mut found = answer.values(name);
    match (found.next(), found.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(missing(name)),
    }
}
