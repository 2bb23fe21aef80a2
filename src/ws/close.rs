//! Close codes and the body of a close frame, RFC 6455 sections 5.5.1 and 7.4.

use super::violation::Violation;
use crate::error::{Error, Id, Result};
use bytes::Bytes;

/// A control frame holds 125 bytes, two of which are the code.
const MAX_REASON: usize = 123;

/// What the peer closed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerClose {
    /// `None`: the frame had no body, which is reported as 1005.
    pub code: Option<u16>,
    pub reason: String,
}

impl PeerClose {
    /// Reads the body of a close frame.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Violation> {
        let (code, reason) = match *body {
            [] => return Ok(Self { code: None, reason: String::new() }),
            [_] => return Err(Violation::protocol(Id::CloseFrameBody)),
            [high, low, ref reason @ ..] => (u16::from_be_bytes([high, low]), reason),
        };
        if !may_travel(code) {
            return Err(Violation::with(1002, Error::new(Id::CloseFrameCode, [code.into()])));
        }
        match std::str::from_utf8(reason) {
            Ok(reason) => Ok(Self { code: Some(code), reason: reason.to_owned() }),
            Err(_) => Err(Violation::with(1007, Id::CloseFrameUtf8.into())),
        }
    }
}

/// Whether a close frame may carry `code`: registered with IANA for the wire, or free for libraries and applications.
fn may_travel(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// The body of a close frame. 1005 ("no code") gives an empty one; a reason over 123 bytes is cut between characters.
pub fn close_payload(code: u16, reason: &str) -> Bytes {
    if code == 1005 {
        return Bytes::new();
    }
    let reason = &reason[..reason.floor_char_boundary(MAX_REASON)];
    [&code.to_be_bytes(), reason.as_bytes()].concat().into()
}

/// Whether a caller may close with this.
///
/// # Errors
/// `CloseCode` for anything but 1000–1003, 1007–1014 and 3000–4999; `CloseReason` for more than 123 bytes.
pub fn check_close(code: u16, reason: &str) -> Result<()> {
    if !may_travel(code) {
        return Err(Error::new(Id::CloseCode, [code.into()]));
    }
    if reason.len() > MAX_REASON {
        return Err(Error::new(Id::CloseReason, [reason.len().into()]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Language;
    use tungstenite::protocol::frame::coding::CloseCode;

    #[test]
    fn allowed_codes_are_those_of_tungstenite_and_1014() {
        for code in 0..=u16::MAX {
            // 1014 (bad gateway) was registered after tungstenite's table was written.
            assert_eq!(may_travel(code), CloseCode::from(code).is_allowed() || code == 1014, "{code}");
            assert_eq!(check_close(code, "").is_ok(), may_travel(code));
        }
    }

    #[test]
    fn a_body_is_read_back() {
        for (code, reason) in [(1000, ""), (4999, "прощай"), (1014, "x")] {
            let close = PeerClose { code: Some(code), reason: reason.to_owned() };
            assert_eq!(PeerClose::parse(&close_payload(code, reason)).unwrap(), close);
        }
        assert!(close_payload(1005, "ignored").is_empty());
        assert_eq!(PeerClose::parse(&[]).unwrap(), PeerClose { code: None, reason: String::new() });
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        // Two bytes each after one of one: the 123rd byte is the end of a character, the 124th is not.
        assert_eq!(close_payload(1000, &"ы".repeat(100)).len(), 2 + 122);
        assert_eq!(close_payload(1000, &format!("x{}", "ы".repeat(100))).len(), 2 + 123);
        assert_eq!(close_payload(1000, &"x".repeat(500)).len(), 125);
    }

    #[test]
    fn bad_bodies_have_their_codes() {
        let violation =
            |body: &[u8]| PeerClose::parse(body).map_err(|violation| (violation.code, violation.error.id()));
        assert_eq!(violation(&[3]), Err((1002, Id::CloseFrameBody)));
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535_u16] {
            assert_eq!(violation(&code.to_be_bytes()), Err((1002, Id::CloseFrameCode)), "{code}");
        }
        assert_eq!(violation(&[3, 232, 0xce]), Err((1007, Id::CloseFrameUtf8)));
    }

    #[test]
    fn a_caller_is_told_in_both_languages() {
        let error = check_close(1005, "").unwrap_err();
        assert!(error.text(Language::English).starts_with("close code 1005 may not be sent"));
        assert!(error.text(Language::Russian).starts_with("код закрытия 1005 нельзя отправить"));
        assert!(check_close(1000, &"x".repeat(123)).is_ok());
        assert_eq!(check_close(1000, &"x".repeat(124)).unwrap_err().id(), Id::CloseReason);
    }
}
