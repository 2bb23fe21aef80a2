//! HTTP CONNECT, RFC 9110 section 9.3.6, with Basic credentials (RFC 7617).

use super::{Step, Tunnel};
use crate::error::{Error, Id, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use httparse::Status;

pub struct Connect {
    head: Vec<u8>,
    /// Credentials were sent.
    authorized: bool,
}

impl Connect {
    pub(super) fn new(credentials: Option<&(Vec<u8>, Vec<u8>)>, host: &str, port: u16) -> (Self, Vec<u8>) {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some((user, password)) = credentials {
            let both = [user.as_slice(), b":", password].concat();
            request.push_str("Proxy-Authorization: Basic ");
            request.push_str(&BASE64_STANDARD.encode(both));
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        (Self { head: Vec::new(), authorized: credentials.is_some() }, request.into_bytes())
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Step)> {
        // The head ends with the first empty line; not a byte behind it is taken.
        let before = self.head.len();
        let mut end = None;
        for byte in bytes {
            self.head.push(*byte);
            if *byte == b'\n' && (self.head.ends_with(b"\r\n\r\n") || self.head.ends_with(b"\n\n")) {
                end = Some(self.head.len());
                break;
            }
            if self.head.len() > Tunnel::LIMIT {
                return Err(Error::new(Id::ProxyTooLong, [Tunnel::LIMIT.into()]));
            }
        }
        let taken = self.head.len() - before;
        let known = self.head.len().min(5);
        if self.head[..known] != b"HTTP/"[..known] {
            return Err(Id::ProxyNotHttp.into());
        }
        if end.is_none() {
            return Ok((taken, Step::More));
        }
        let code = self.judge()?;
        self.head.clear();
        // Interim answers precede the final one.
        if code < 200 {
            return Ok((taken, Step::More));
        }
        // Nobody behind the tunnel has been asked anything yet: it is the proxy that talks, such as a login page.
        if taken < bytes.len() {
            return Err(Id::ProxyAhead.into());
        }
        Ok((taken, Step::Open))
    }

    /// The status, when it is one of those that go on.
    fn judge(&self) -> Result<u16> {
        let lines = self.head.iter().filter(|byte| **byte == b'\n').count();
        let mut headers = vec![httparse::EMPTY_HEADER; lines];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&self.head) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err(Id::ProxyNotHttp.into()),
            Err(error) => return Err(Error::of(Id::ProxyNotHttp).detail(error)),
        }
        let code = response.code.unwrap_or_default();
        if code == 407 {
            let offers =
                response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("Proxy-Authenticate"));
            let values = offers.map(|header| String::from_utf8_lossy(header.value).into_owned());
            let schemes = schemes(&values.collect::<Vec<_>>());
            let id = if self.authorized { Id::ProxyRefuses } else { Id::ProxyDemands };
            return Err(Error::new(id, [schemes.into()]));
        }
        if code == 101 || code >= 300 {
            let reason: String = response.reason.unwrap_or_default().chars().take(100).collect();
            let reason: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            return Err(Error::new(Id::ProxyStatus, [format!("{code} {reason}").trim_end().into()]));
        }
        Ok(code)
    }
}

/// The names of the schemes, without what they ask for.
fn schemes(values: &[String]) -> String {
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
        let names = |values: &[&str]| schemes(&values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>());
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
