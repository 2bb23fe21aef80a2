//! The head of a frame: which ones RFC 6455 section 5 allows.

use super::Role;
use super::message::MessageKind;
use super::violation::Violation;
use crate::error::{Error, Id};
use std::io::Cursor;
use tungstenite::protocol::frame::FrameHeader;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    /// The beginning of a message, or all of it.
    Begin(MessageKind),
    Continue,
    Ping,
    Pong,
    Close,
}

impl Opcode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Opcode::Begin(MessageKind::Text) => "Text",
            Opcode::Begin(MessageKind::Binary) => "Binary",
            Opcode::Continue => "Continuation",
            Opcode::Ping => "Ping",
            Opcode::Pong => "Pong",
            Opcode::Close => "Close",
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Opcode::Ping | Opcode::Pong | Opcode::Close)
    }
}

/// A head that is allowed where it stands.
#[derive(Debug)]
pub(super) struct FrameHead {
    pub(super) opcode: Opcode,
    pub(super) last: bool,
    /// RSV1: the message is compressed, RFC 7692 section 6.
    pub(super) compressed: bool,
    pub(super) mask: [u8; 4],
    pub(super) length: u64,
    /// Bytes of the head itself.
    pub(super) size: usize,
}

/// Reads the head at the beginning of `bytes`; `None` when more are needed. Faults show as soon as their byte is
/// there. `inside`: a fragmented message has begun; `deflate`: permessage-deflate was agreed on.
pub(super) fn read(bytes: &[u8], role: Role, inside: bool, deflate: bool) -> Result<Option<FrameHead>, Violation> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    let opcode = operation(first)?;
    let compressed = check_reserved_bits(first, deflate && matches!(opcode, Opcode::Begin(_)))?;
    let (last, masked) = (first & 0x80 != 0, second & 0x80 != 0);
    match (role, masked) {
        (Role::Server, false) => return Err(Violation::protocol(Id::FrameUnmasked)),
        (Role::Client, true) => return Err(Violation::protocol(Id::FrameMasked)),
        (Role::Server, true) | (Role::Client, false) => {}
    }
    match opcode {
        Opcode::Ping | Opcode::Pong | Opcode::Close if !last => {
            return Err(Violation::protocol(Id::FrameControlFragmented));
        }
        Opcode::Continue if !inside => return Err(Violation::protocol(Id::FrameContinuation)),
        Opcode::Begin(_) if inside => return Err(Violation::protocol(Id::FrameInterrupted)),
        Opcode::Ping | Opcode::Pong | Opcode::Close | Opcode::Continue | Opcode::Begin(_) => {}
    }
    let mut cursor = Cursor::new(bytes);
    // The one fault it knows is a reserved opcode, which is out of the way.
    let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Violation::protocol(Id::FrameLength))?;
    let Some((header, length)) = parsed else { return Ok(None) };
    let size = header.len(length);
    // Section 5.2: the shortest form that holds the length, and the most significant bit zero.
    if cursor.position() != size as u64 || length > i64::MAX as u64 {
        return Err(Violation::protocol(Id::FrameLength));
    }
    if opcode.is_control() && length > 125 {
        return Err(Violation::with(1002, Error::new(Id::FrameControlLong, [length.to_string().into()])));
    }
    Ok(Some(FrameHead { opcode, last, compressed, mask: header.mask.unwrap_or_default(), length, size }))
}

/// The head of an ordinary message at the beginning of `bytes`: whole, in one frame, not compressed, at most 64 KiB long
/// and masked as it should be. `None` for everything else, which is [`read`]'s to judge.
#[inline]
pub(super) fn read_ordinary(bytes: &[u8], role: Role) -> Option<FrameHead> {
    let [first, second, rest @ ..] = bytes else { return None };
    let kind = match first {
        0x81 => MessageKind::Text,
        0x82 => MessageKind::Binary,
        _ => return None,
    };
    let masked = role == Role::Server;
    if (second & 0x80 != 0) != masked {
        return None;
    }
    let (length, rest, size) = match second & 0x7f {
        short @ 0..126 => (u16::from(short), rest, 2),
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            // Longer than it need be: a fault.
            (Some(u16::from_be_bytes(*length)).filter(|length| *length >= 126)?, rest, 4)
        }
        _ => return None,
    };
    let (mask, size) = if masked { (*rest.first_chunk()?, size + 4) } else { ([0; 4], size) };
    Some(FrameHead {
        opcode: Opcode::Begin(kind),
        last: true,
        compressed: false,
        mask,
        length: u64::from(length),
        size,
    })
}

/// Section 5.2: RSV1, RSV2 and RSV3 are zero unless an extension that was agreed on gives them a meaning, as
/// permessage-deflate does for RSV1 of a message's first frame.
fn check_reserved_bits(first: u8, deflate: bool) -> Result<bool, Violation> {
    match first & 0x70 {
        0 => Ok(false),
        0x40 if deflate => Ok(true),
        _ => Err(Violation::protocol(Id::FrameReservedBits)),
    }
}

fn operation(first: u8) -> Result<Opcode, Violation> {
    Ok(match first & 0x0f {
        0 => Opcode::Continue,
        1 => Opcode::Begin(MessageKind::Text),
        2 => Opcode::Begin(MessageKind::Binary),
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        reserved => {
            return Err(Violation::with(1002, Error::new(Id::FrameOpcode, [u16::from(reserved).into()])));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every first and second byte, with lengths around the borders: what the short way takes, the long way takes alike.
    #[test]
    fn the_short_way_agrees_with_the_long_one() {
        let mut taken = 0;
        for role in [Role::Server, Role::Client] {
            for (first, second) in (0..=255_u8).flat_map(|first| (0..=255_u8).map(move |second| (first, second))) {
                for length in [0_u16, 125, 126, 127, 65_535] {
                    let mut bytes = vec![first, second];
                    bytes.extend(length.to_be_bytes());
                    bytes.extend([0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
                    let Some(short) = read_ordinary(&bytes, role) else { continue };
                    let long = read(&bytes, role, false, true).unwrap().unwrap();
                    assert_eq!(format!("{short:?}"), format!("{long:?}"), "{bytes:?}");
                    for cut in 0..short.size {
                        assert!(read_ordinary(&bytes[..cut], role).is_none());
                    }
                    taken += 1;
                }
            }
        }
        // Two kinds; 126 short lengths with any bytes behind, and one long form with three lengths that are allowed.
        assert_eq!(taken, 2 * 2 * (126 * 5 + 3));
    }
}
