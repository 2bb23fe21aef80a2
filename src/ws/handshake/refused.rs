//! An answer that is no 101, with the beginning of its body, and what a person is told of it.

use super::charset;
use super::head::has_token;
use super::secrets::Secrets;
use crate::http::{Body, Framing};
use crate::net::Answer;
use crate::ws::redact;

/// How much of a body is kept: an explanation, not a document.
const KEPT: usize = 16 * 1024;
/// Bytes that may come for it, the lines of chunks included.
const MAX_RAW: usize = 4 * KEPT;
/// Characters of the server's words in an error's text.
const SHOWN: usize = 200;

/// A refusal, or a redirect.
pub(super) struct Refused {
    pub answer: Answer,
    /// `None`: it cannot be read, or has gone wrong.
    body: Option<Body>,
    raw: usize,
    /// No more of it is wanted.
    done: bool,
}

impl Refused {
    pub fn new(answer: Answer) -> Self {
        let encoded = answer.values("Content-Encoding").any(|coding| !coding.eq_ignore_ascii_case("identity"));
        let bodiless = encoded || matches!(answer.status.code, 101 | 204 | 304);
        let limit = |framing| if framing == Framing::Chunked { usize::MAX } else { MAX_RAW };
        let framing = framing(&answer);
        let body = if bodiless { None } else { Body::new(framing, limit(framing)).ok() };
        let done = body.as_ref().is_none_or(Body::is_done);
        Self { answer, body, raw: 0, done }
    }

    /// Takes what has come; true when no more is wanted.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        let Some(body) = self.body.as_mut().filter(|_| !self.done) else { return true };
        self.raw += bytes.len();
        let fed = body.feed(bytes);
        self.done = fed.is_err() || body.is_done() || body.bytes().len() >= KEPT || self.raw >= MAX_RAW;
        self.done
    }

    /// The beginning of the body as text.
    pub fn text(&self) -> String {
        let Some(body) = &self.body else { return String::new() };
        let bytes = &body.bytes()[..body.bytes().len().min(KEPT)];
        charset::decode(bytes, &self.charset(), !body.is_done() || body.bytes().len() > KEPT)
    }

    fn content_type(&self) -> &str {
        self.answer.values("Content-Type").next().unwrap_or_default()
    }

    fn charset(&self) -> String {
        let mut parameters = self.content_type().split(';').skip(1).filter_map(|part| part.split_once('='));
        let found = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
        found.map(|(_, value)| value.trim().trim_matches('"').to_owned()).unwrap_or_default()
    }

    /// What the server says of the reason, on one line; empty where it says no more than its status does.
    pub fn words(&self, secrets: &Secrets) -> String {
        let kind = self.content_type().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let text = match kind.as_str() {
            "text/html" | "application/xhtml+xml" => title(&self.text()),
            kind if kind.is_empty() || kind.starts_with("text/") || kind.contains("json") => self.text(),
            _ => String::new(),
        };
        let words = redact::one_line(&secrets.mask(&text), SHOWN);
        let status = self.answer.status.to_string();
        if status.to_lowercase().ends_with(&words.to_lowercase()) { String::new() } else { words }
    }
}

/// RFC 9112 section 6.3: chunked, of a length, or up to the end.
fn framing(answer: &Answer) -> Framing {
    let chunked = answer.values("Transfer-Encoding").any(|value| has_token(value, "chunked"));
    let length = answer.values("Content-Length").next().and_then(|value| value.parse().ok());
    match (chunked, length) {
        (true, _) => Framing::Chunked,
        (false, Some(length)) => Framing::Length(u64::min(length, MAX_RAW as u64)),
        (false, None) => Framing::Length(MAX_RAW as u64),
    }
}

/// The title of a page: the rest of one would fill an error's text with markup. Some servers, as Node's ws, call a mere
/// text a page.
fn title(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let from = lower.find("<title").and_then(|at| lower[at..].find('>').map(|end| at + end + 1));
    let to = from.and_then(|from| lower[from..].find("</title").map(|at| from + at));
    match (from, to) {
        (Some(from), Some(to)) => page[from..to].to_owned(),
        _ if !page.contains('<') => page.to_owned(),
        _ => String::new(),
    }
}
