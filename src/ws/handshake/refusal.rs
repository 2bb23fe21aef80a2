//! An answer that refuses a connection.

use crate::http::phrase;
use std::borrow::Cow;

/// Why a connection is refused, in HTTP's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// A short body for a user with a browser: English, or the host's words.
    pub text: Cow<'static, str>,
    /// What was asked for is no WebSocket connection: by a browser, or by a health check.
    pub plain: bool,
    /// Seconds after which the peer may try again, for `Retry-After`.
    pub(super) retry_after: Option<u16>,
    /// The answer is to HEAD, which has no content (RFC 9110 section 9.3.2).
    pub(super) bodiless: bool,
}

impl Refusal {
    /// What a request is told that asks for no WebSocket connection.
    pub const WEBSOCKET: &str = "This is a WebSocket server";

    pub fn new(status: u16, text: &'static str) -> Self {
        Self::of(status, Cow::Borrowed(text))
    }

    fn of(status: u16, text: Cow<'static, str>) -> Self {
        Self { status, text, plain: false, retry_after: None, bodiless: false }
    }

    /// The refusal of a request that asks for no WebSocket connection.
    pub fn plain(status: u16, text: &'static str) -> Self {
        Self { plain: true, ..Self::new(status, text) }
    }

    /// The peer may try again after so many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u16) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// One in the host's words; without any, the phrase that HTTP has for the status.
    pub fn in_words(status: u16, text: &str) -> Self {
        let text = if text.is_empty() { phrase(status).into() } else { text.to_owned().into() };
        Self::of(status, text)
    }

    /// The same to a request whose method is HEAD, or is not.
    #[must_use]
    pub fn to(self, bodiless: bool) -> Self {
        Self { bodiless, ..self }
    }

    /// The whole HTTP answer, with these lines of headers besides. The connection ends with it.
    pub fn answer(&self, more: &str) -> Vec<u8> {
        let Self { status, text, bodiless, .. } = self;
        let content = if *bodiless { "" } else { &**text };
        // RFC 9110 requires these headers with their status codes; RFC 6455 section 4.4 the version.
        let extra = match status {
            401 => "WWW-Authenticate: Bearer\r\n",
            405 => "Allow: GET, HEAD\r\n",
            426 => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            _ => "",
        };
        let later = self.retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
        // An Upgrade header is named in Connection, RFC 9110 section 7.8.
        let connection = if *status == 426 { "close, Upgrade" } else { "close" };
        format!(
            "HTTP/1.1 {status} {}\r\nConnection: {connection}\r\n{extra}{later}{more}Content-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {}\r\n\r\n{content}",
            phrase(*status),
            text.len(),
        )
        .into_bytes()
    }
}
