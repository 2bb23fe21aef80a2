//! The opening handshake, RFC 6455 section 4.

mod charset;
mod client;
mod head;
mod heard;
mod refusal;
mod refused;
mod request;
mod secrets;
mod server;

pub use client::{Agreed, ClientHandshake};
pub use heard::ServerAnswer;
pub use refusal::Refusal;
pub use request::Request;
pub use server::{Heard, ServerHandshake};

use super::redact;
use crate::error::{Error, Id, Result};
use crate::options::is_token;

/// Headers that are the handshake's own, besides `Sec-WebSocket-*`; a body would be read as frames.
const RESERVED: [&str; 5] = ["Host", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding"];

/// Whether a user may add this header to the handshake.
///
/// # Errors
/// `HeaderName`: no token (RFC 9110 section 5.1); `HeaderReserved`: the handshake's own; `HeaderValue`: the value
/// holds a control character other than a tab. The text never holds the value.
pub fn check_header(name: &str, value: &str) -> Result<()> {
    let shown = || redact::printable(name, 100).into();
    if !is_token(name) {
        return Err(Error::new(Id::HeaderName, [shown()]));
    }
    let sec = name.get(..14).is_some_and(|prefix| prefix.eq_ignore_ascii_case("Sec-WebSocket-"));
    if sec || RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        return Err(Error::new(Id::HeaderReserved, [shown()]));
    }
    if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(Error::new(Id::HeaderValue, [shown()]));
    }
    Ok(())
}

/// Headers of an answer that say what it is.
const OF_ANSWERS: [&str; 5] = ["Content-Type", "Retry-After", "WWW-Authenticate", "Allow", "Date"];

/// Whether a server may add this header to its answers.
///
/// # Errors
/// As [`check_header`].
pub fn check_response_header(name: &str, value: &str) -> Result<()> {
    check_header(name, value)?;
    match OF_ANSWERS.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        true => Err(Error::new(Id::HeaderReserved, [redact::printable(name, 100).into()])),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_headers_may_be_set() {
        for (name, value) in
            [("X-Token", ""), ("Authorization", "Bearer x"), ("Origin", "\tпривет"), ("Sec-Fetch", "a")]
        {
            check_header(name, value).unwrap();
        }
        for (name, value, id) in [
            ("", "x", Id::HeaderName),
            ("a b", "x", Id::HeaderName),
            ("a:", "x", Id::HeaderName),
            ("a\r\nb", "x", Id::HeaderName),
            ("имя", "x", Id::HeaderName),
            ("hOST", "x", Id::HeaderReserved),
            ("sec-websocket-key", "x", Id::HeaderReserved),
            ("Sec-WebSocket-Anything", "x", Id::HeaderReserved),
            ("upgrade", "", Id::HeaderReserved),
            ("connection", "", Id::HeaderReserved),
            ("Transfer-Encoding", "", Id::HeaderReserved),
            ("content-length", "", Id::HeaderReserved),
            ("a", "x\r\nHost: y", Id::HeaderValue),
            ("a", "x\0", Id::HeaderValue),
            ("a", "x\x7f", Id::HeaderValue),
        ] {
            assert_eq!(check_header(name, value).unwrap_err().id(), id, "{name:?}: {value:?}");
        }
    }
}
