//! HTTP CONNECT, RFC 9110 section 9.3.6, with Basic (RFC 7617) or Digest (RFC 7616) credentials.

use super::Step;
use super::digest::{Asked, Challenge};
use crate::error::{Error, Id, Result};
use crate::net::answer::{Answer, AnswerReader, BadAnswer, StatusLine};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// The longest content of a refusal that is read for keeping the connection.
const CONTENT: usize = 64 * 1024;

pub struct Connect {
    answer: AnswerReader,
    /// `host:port`
    place: String,
    credentials: Option<(Vec<u8>, Vec<u8>)>,
    sent: Sent,
    /// What is left to come of a refusal's content, and what is asked then.
    skip: usize,
    next: Option<Vec<u8>>,
    /// What was asked on a connection that had brought a refusal before, which the proxy may have closed meanwhile.
    again: Option<Vec<u8>>,
}

/// The credentials that the latest request carried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Nothing,
    Basic,
    Digest,
    /// With a second nonce, because the first was stale.
    DigestAgain,
}

impl Connect {
    /// `host`: as an authority has it.
    pub(super) fn new(credentials: Option<&(Vec<u8>, Vec<u8>)>, host: &str, port: u16) -> (Self, Vec<u8>) {
        let place = format!("{host}:{port}");
        let basic = credentials.map(|(user, password)| {
            let both = Zeroizing::new([user.as_slice(), b":", password].concat());
            format!("Basic {}", BASE64_STANDARD.encode(&*both)).into_bytes()
        });
        let sent = if basic.is_some() { Sent::Basic } else { Sent::Nothing };
        let request = request(&place, basic.as_deref());
        let (credentials, answer) = (credentials.cloned(), AnswerReader::new());
        (Self { answer, place, credentials, sent, skip: 0, next: None, again: None }, request)
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Step)> {
        let mut taken = 0;
        if self.next.is_none() {
            let step;
            (taken, step) = self.feed_head(bytes)?;
            if self.next.is_none() {
                return Ok((taken, step));
            }
        }
        let skipped = self.skip.min(bytes.len() - taken);
        self.skip -= skipped;
        let next = if self.skip == 0 { self.next.take() } else { None };
        self.again = next.clone().or(self.again.take());
        Ok((taken + skipped, next.map_or(Step::More, Step::Send)))
    }

    fn feed_head(&mut self, bytes: &[u8]) -> Result<(usize, Step)> {
        let (taken, answer) = match self.answer.feed(bytes) {
            Ok(fed) => fed,
            Err(BadAnswer::NotHttp(None)) => return Err(Id::ProxyNotHttp.into()),
            Err(BadAnswer::NotHttp(Some(line))) => return Err(Error::of(Id::ProxyNotHttp).detail(line)),
            Err(BadAnswer::TooLong(limit)) => {
                return Err(self.unfinished(Error::new(Id::ProxyTooLong, [limit.into()])));
            }
        };
        let Some(answer) = answer else { return Ok((taken, Step::More)) };
        let old = std::mem::replace(&mut self.answer, AnswerReader::new()).bytes().starts_with(b"HTTP/1.0");
        match &answer.status {
            status if status.code == 407 => {
                let values: Vec<&str> = answer.values("Proxy-Authenticate").collect();
                let authorization;
                (self.sent, authorization) = authorize(&values, self.credentials.as_ref(), self.sent, &self.place)?;
                let request = request(&self.place, Some(&authorization));
                let Some(length) = kept_for(&answer, old) else { return Ok((taken, Step::Again(request))) };
                (self.next, self.skip) = (Some(request), length);
                Ok((taken, Step::More))
            }
            status if refuses(status) => Err(refused(status)),
            // The server behind the tunnel has not been asked anything yet: it is the proxy that talks, such as a login
            // page.
            _ if taken < bytes.len() => Err(Id::ProxyAhead.into()),
            _ => Ok((taken, Step::Open)),
        }
    }

    /// The proxy has closed the connection; what to ask on a new one, where it had kept this one open after a refusal.
    pub(super) fn retry(&mut self) -> Option<Vec<u8>> {
        self.skip = 0;
        self.next.take().or_else(|| self.again.take().filter(|_| self.answer.bytes().is_empty()))
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
}

/// Any 2xx opens a tunnel, RFC 9110 section 9.3.6; 101 would be another protocol.
fn refuses(status: &StatusLine) -> bool {
    !(200..300).contains(&status.code)
}

fn refused(status: &StatusLine) -> Error {
    Error::new(Id::ProxyStatus, [status.to_string().into()])
}

fn request(place: &str, authorization: Option<&[u8]>) -> Vec<u8> {
    let mut request = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n").into_bytes();
    if let Some(authorization) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// How much content follows on a connection that is kept open behind it; `None`: it is not, or not worth it. `old`: it is
/// HTTP/1.0.
fn kept_for(answer: &Answer, old: bool) -> Option<usize> {
    let says = |token: &str| {
        let mut values = answer.values("Connection").chain(answer.values("Proxy-Connection"));
        values.any(|value| crate::options::list(value).any(|one| one.eq_ignore_ascii_case(token)))
    };
    if says("close") || old && !says("keep-alive") || answer.values("Transfer-Encoding").next().is_some() {
        return None;
    }
    let length = answer.values("Content-Length").next()?.trim().parse().ok()?;
    (length <= CONTENT).then_some(length)
}

/// The authorization for the next request, where there is a way that has not been tried.
///
/// # Errors
/// `ProxyDemands`, `ProxySchemes`, `ProxyRefuses`: nothing is set, nothing that is offered is spoken here, it was wrong.
fn authorize(
    values: &[&str],
    credentials: Option<&(Vec<u8>, Vec<u8>)>,
    sent: Sent,
    place: &str,
) -> Result<(Sent, Vec<u8>)> {
    let offered = schemes(values.iter().copied());
    let challenges = values.iter().filter_map(|value| http_auth::parse_challenges(value).ok()).flatten();
    let digest = challenges.filter_map(|challenge| Challenge::read(&challenge)).next();
    let basic = offered.split(", ").any(|scheme| scheme.eq_ignore_ascii_case("Basic"));
    // One that says nothing of it may well mean Basic.
    let spoken = basic || digest.is_some() || values.is_empty();
    let Some((user, password)) = credentials.filter(|_| spoken) else {
        let id = if spoken { Id::ProxyDemands } else { Id::ProxySchemes };
        return Err(Error::new(id, [offered.into()]));
    };
    let sent = match (&digest, sent) {
        (Some(_), Sent::Nothing | Sent::Basic) => Sent::Digest,
        (Some(challenge), Sent::Digest) if challenge.stale => Sent::DigestAgain,
        _ => return Err(Error::new(Id::ProxyRefuses, [offered.into()])),
    };
    let Some(challenge) = digest else { return Err(Error::new(Id::ProxyRefuses, [offered.into()])) };
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| Error::of(Id::Io).detail(error))?;
    let asked = Asked { user, password, method: "CONNECT", uri: place };
    Ok((sent, challenge.answer(&asked, &BASE64_URL_SAFE_NO_PAD.encode(random))))
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
