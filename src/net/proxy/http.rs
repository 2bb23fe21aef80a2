//! HTTP CONNECT, RFC 9110 section 9.3.6, with Basic credentials (RFC 7617).

use super::Step;
use crate::error::{Error, Id, Result};
use crate::net::answer::{Answer, AnswerReader, BadAnswer, StatusLine};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

pub struct Connect {
    answer: AnswerReader,
    /// Credentials were sent.
    authorized: bool,
}

impl Connect {
    pub(super) fn new(credentials: Option<&(Vec<u8>, Vec<u8>)>, host: &str, port: u16) -> (Self, Vec<u8>) {
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some((user, password)) = credentials {
            let both = [user.as_slice(), b":", password].concat();
            request.push_str("Proxy-Authorization: Basic ");
            request.push_str(&BASE64_STANDARD.encode(both));
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        (Self { answer: AnswerReader::new(), authorized: credentials.is_some() }, request.into_bytes())
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Step)> {
        let (taken, answer) = match self.answer.feed(bytes) {
            Ok(fed) => fed,
            Err(BadAnswer::NotHttp(None)) => return Err(Id::ProxyNotHttp.into()),
            Err(BadAnswer::NotHttp(Some(line))) => return Err(Error::of(Id::ProxyNotHttp).detail(line)),
            Err(BadAnswer::TooLong(limit)) => {
                return Err(self.unfinished(Error::new(Id::ProxyTooLong, [limit.into()])));
            }
        };
        let Some(answer) = answer else { return Ok((taken, Step::More)) };
        self.judge(&answer)?;
        // Nobody behind the tunnel has been asked anything yet: it is the proxy that talks, such as a login page.
        if taken < bytes.len() {
            return Err(Id::ProxyAhead.into());
        }
        Ok((taken, Step::Open))
    }

    /// The error for a stream that ends before the tunnel is open.
    pub(super) fn cut(&self) -> Error {
        self.unfinished(Id::ProxyCut.into())
    }

    /// A refusal whose head never became whole is a refusal still.
    fn unfinished(&self, error: Error) -> Error {
        match self.answer.status() {
            Some(status) if refuses(status) => refused(status),
            Some(_) | None => error,
        }
    }

    /// Whether the tunnel is open.
    fn judge(&self, answer: &Answer) -> Result<()> {
        match &answer.status {
            status if status.code == 407 => {
                let schemes = schemes(answer.values("Proxy-Authenticate"));
                let id = if self.authorized { Id::ProxyRefuses } else { Id::ProxyDemands };
                Err(Error::new(id, [schemes.into()]))
            }
            status if refuses(status) => Err(refused(status)),
            _ => Ok(()),
        }
    }
}

/// Any 2xx opens a tunnel, RFC 9110 section 9.3.6; 101 would be another protocol.
fn refuses(status: &StatusLine) -> bool {
    !(200..300).contains(&status.code)
}

fn refused(status: &StatusLine) -> Error {
    Error::new(Id::ProxyStatus, [status.to_string().into()])
}

/// The names of the schemes, without what they ask for.
fn schemes<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = Vec::new();
    for value in values {
        for part in value.split(',') {
            // A scheme is a word of its own, or one before its first parameter; a parameter has its = right behind it.
            let mut words = part.split_whitespace();
            let Some(first) = words.next().filter(|first| !first.contains('=')) else { continue };
            let token = first.len() <= 40 && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let parameter = words.next().is_some_and(|next| next.starts_with('='));
            if token && !parameter && !names.iter().any(|name| name == first) && names.len() < 10 {
                names.push(first.to_owned());
            }
        }
    }
    if names.is_empty() { "—".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemes_of_a_407() {
        let names = |values: &[&str]| schemes(values.iter().copied());
        assert_eq!(names(&["Basic realm=\"a, b\""]), "Basic");
        assert_eq!(names(&["NTLM", "Negotiate", "Basic realm=x, charset=\"UTF-8\""]), "NTLM, Negotiate, Basic");
        assert_eq!(names(&["Digest realm=x, nonce=y, Basic realm=z"]), "Digest, Basic");
        assert_eq!(names(&[]), "—");
    }

    #[test]
    fn not_a_byte_behind_the_head_is_taken() {
        let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n";
        for cut in 0..answer.len() {
            let (mut connect, _) = Connect::new(None, "host", 80);
            let mut at = 0;
            let mut step = Step::More;
            for end in [cut, answer.len()] {
                while at < end && step == Step::More {
                    let (taken, next) = connect.feed(&answer[at..end]).unwrap();
                    at += taken;
                    step = next;
                }
            }
            assert_eq!((step, at), (Step::Open, answer.len()), "{cut}");
        }
    }
}
