//! The head of a frame: which ones RFC 6455 section 5 allows.

use super::Role;
use super::decoder::Violation;
use super::message::MessageKind;
use crate::error::{Error, Id};
use std::io::Cursor;
use tungstenite::protocol::frame::FrameHeader;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// The beginning of a message, or all of it.
    Begin(MessageKind),
    Continue,
    Ping,
    Pong,
    Close,
}

impl Op {
    pub(super) fn name(self) -> &'static str {
        match self {
            Op::Begin(MessageKind::Text) => "Text",
            Op::Begin(MessageKind::Binary) => "Binary",
            Op::Continue => "Continuation",
            Op::Ping => "Ping",
            Op::Pong => "Pong",
            Op::Close => "Close",
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Op::Ping | Op::Pong | Op::Close)
    }
}

/// A head that is allowed where it stands.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) op: Op,
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
pub(super) fn read(bytes: &[u8], role: Role, inside: bool, deflate: bool) -> Result<Option<Head>, Violation> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    let op = operation(first)?;
    let compressed = check_reserved_bits(first, deflate && matches!(op, Op::Begin(_)))?;
    let (last, masked) = (first & 0x80 != 0, second & 0x80 != 0);
    match (role, masked) {
        (Role::Server, false) => return Err(Violation::protocol(Id::FrameUnmasked)),
        (Role::Client, true) => return Err(Violation::protocol(Id::FrameMasked)),
        (Role::Server, true) | (Role::Client, false) => {}
    }
    match op {
        Op::Ping | Op::Pong | Op::Close if !last => return Err(Violation::protocol(Id::FrameControlFragmented)),
        Op::Continue if !inside => return Err(Violation::protocol(Id::FrameContinuation)),
        Op::Begin(_) if inside => return Err(Violation::protocol(Id::FrameInterrupted)),
        Op::Ping | Op::Pong | Op::Close | Op::Continue | Op::Begin(_) => {}
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
    if op.is_control() && length > 125 {
        return Err(Violation::with(1002, Error::new(Id::FrameControlLong, [length.to_string().into()])));
    }
    Ok(Some(Head { op, last, compressed, mask: header.mask.unwrap_or_default(), length, size }))
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

fn operation(first: u8) -> Result<Op, Violation> {
    Ok(match first & 0x0f {
        0 => Op::Continue,
        1 => Op::Begin(MessageKind::Text),
        2 => Op::Begin(MessageKind::Binary),
        8 => Op::Close,
        9 => Op::Ping,
        10 => Op::Pong,
        reserved => {
            return Err(Violation::with(1002, Error::new(Id::FrameOpcode, [u16::from(reserved).into()])));
        }
    })
}
