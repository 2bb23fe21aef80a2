//! Frames on their way out, RFC 6455 section 5.2.

use super::mask;
use super::message::{Message, MessageKind};
use crate::error::{Result, memory};
use bytes::Bytes;
use std::io::Cursor;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// The longest head: two bytes, eight of length, four of mask.
pub const MAX_HEAD: usize = 14;
/// Masked in pieces of this size while copying, so that both passes find the bytes in the nearest cache.
const PIECE: usize = 8 * 1024;

/// What a frame is. We never fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    Text,
    Binary,
    Ping,
    Pong,
    Close,
}

impl FrameKind {
    pub fn of(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Text => FrameKind::Text,
            MessageKind::Binary => FrameKind::Binary,
        }
    }

    fn opcode(self) -> OpCode {
        match self {
            FrameKind::Text => OpCode::Data(Data::Text),
            FrameKind::Binary => OpCode::Data(Data::Binary),
            FrameKind::Ping => OpCode::Control(Control::Ping),
            FrameKind::Pong => OpCode::Control(Control::Pong),
            FrameKind::Close => OpCode::Control(Control::Close),
        }
    }
}

/// One frame on its way out. The head is fixed at creation, the payload is shared (a clone costs no copy, so one
/// unmasked frame serves a whole broadcast), and the mask is applied while the bytes are copied out.
#[derive(Clone)]
pub struct OutFrame {
    payload: Bytes,
    /// The message, where the payload is its compressed form.
    original: Option<Bytes>,
    head: [u8; MAX_HEAD],
    head_len: u8,
    mask: Option<[u8; 4]>,
    kind: FrameKind,
}

impl OutFrame {
    /// A whole message or control frame; `mask` is for clients, RFC 6455 section 5.3. The payload of a control frame
    /// has at most 125 bytes, that of a text is UTF-8: the caller's duty.
    pub fn new(kind: FrameKind, payload: Bytes, mask: Option<[u8; 4]>) -> Self {
        Self::make(kind, payload, None, mask)
    }

    /// A compressed message, RFC 7692 section 6; `original` is what it was before.
    pub fn compressed(kind: FrameKind, payload: Bytes, original: Bytes, mask: Option<[u8; 4]>) -> Self {
        Self::make(kind, payload, Some(original), mask)
    }

    fn make(kind: FrameKind, payload: Bytes, original: Option<Bytes>, mask: Option<[u8; 4]>) -> Self {
        let header = FrameHeader { rsv1: original.is_some(), opcode: kind.opcode(), mask, ..FrameHeader::default() };
        // A usize fits u64 on every platform there is.
        let length = payload.len() as u64;
        let mut head = [0; MAX_HEAD];
        // Fails only when the writer does, and a header always fits 14 bytes.
        let written = header.format(length, &mut head.as_mut_slice());
        debug_assert!(written.is_ok());
        // At most 14.
        let head_len = header.len(length) as u8;
        Self { payload, original, head, head_len, mask, kind }
    }

    /// The message that [`append_frame`] has put at the beginning of `wire`, and what follows it there; `None` when
    /// nothing is left.
    ///
    /// # Errors
    /// `NoMemory`: there is none for its payload.
    pub fn reparse(wire: &[u8]) -> Result<Option<(Self, &[u8])>> {
        let mut cursor = Cursor::new(wire);
        let Ok(Some((header, length))) = FrameHeader::parse(&mut cursor) else { return Ok(None) };
        let kind = match header.opcode {
            OpCode::Data(Data::Text) => FrameKind::Text,
            _ => FrameKind::Binary,
        };
        let rest = wire.get(header.len(length)..).zip(usize::try_from(length).ok());
        let Some((payload, rest)) = rest.and_then(|(rest, length)| rest.split_at_checked(length)) else {
            return Ok(None);
        };
        let mut copy = memory::room_for(payload.len())?;
        copy.extend_from_slice(payload);
        header.mask.inspect(|mask| mask::apply(&mut copy, *mask));
        Ok(Some((Self::new(kind, copy.into(), header.mask), rest)))
    }

    pub fn kind(&self) -> FrameKind {
        self.kind
    }

    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    pub fn into_payload(self) -> Bytes {
        self.payload
    }

    /// The message that it carries, to be sent again elsewhere; `None` for a control frame.
    pub fn into_message(self) -> Option<Message> {
        let kind = match self.kind {
            FrameKind::Text => MessageKind::Text,
            FrameKind::Binary => MessageKind::Binary,
            FrameKind::Ping | FrameKind::Pong | FrameKind::Close => return None,
        };
        Some(Message::received(kind, self.original.unwrap_or(self.payload)))
    }

    /// The message that it carries, before any compression.
    pub fn message(&self) -> &Bytes {
        self.original.as_ref().unwrap_or(&self.payload)
    }

    pub fn is_compressed(&self) -> bool {
        self.original.is_some()
    }

    /// Bytes on the wire: head and payload.
    pub fn wire_len(&self) -> usize {
        usize::from(self.head_len).saturating_add(self.payload.len())
    }

    /// What of the head and of the payload is left from `from` on, when the payload goes out as it is.
    pub fn unmasked(&self, from: usize) -> Option<(&[u8], &[u8])> {
        if self.mask.is_some() {
            return None;
        }
        let head = self.head.get(..usize::from(self.head_len)).unwrap_or_default();
        let payload = self.payload.get(from.saturating_sub(head.len())..).unwrap_or_default();
        Some((head.get(from..).unwrap_or_default(), payload))
    }

    /// Appends this frame's wire bytes from `from` on to `out`, masked, at most `room` of them; returns how many.
    pub fn encode(&self, from: usize, room: usize, out: &mut Vec<u8>) -> usize {
        let head = &self.head[..usize::from(self.head_len)];
        let mut done = 0;
        if let Some(rest) = head.get(from..) {
            done = rest.len().min(room);
            out.extend_from_slice(&rest[..done]);
        }
        let Some(start) = (from + done).checked_sub(head.len()) else { return done };
        let payload = self.payload.get(start..).unwrap_or_default();
        let payload = &payload[..payload.len().min(room - done)];
        match self.mask {
            None => out.extend_from_slice(payload),
            Some(mask) => append_masked(payload, mask::at_offset(mask, start), out),
        }
        done + payload.len()
    }
}

/// Appends a whole message as one frame, as [`OutFrame`] would, straight from the sender's memory.
#[inline(always)]
pub fn append_frame(kind: FrameKind, payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    match (payload.len(), mask) {
        // The ordinary case: two bytes.
        (length @ 0..126, None) => {
            out.push(0x80 | u8::from(kind.opcode()));
            out.push(length as u8);
        }
        (length, mask) => {
            out.reserve(MAX_HEAD + length);
            let header = FrameHeader { opcode: kind.opcode(), mask, ..FrameHeader::default() };
            // A vector takes everything.
            let written = header.format(length as u64, out);
            debug_assert!(written.is_ok());
        }
    }
    match mask {
        None => out.extend_from_slice(payload),
        Some(mask) => append_masked(payload, mask, out),
    }
}

fn append_masked(payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
    out.reserve(payload.len());
    // A piece is a multiple of four bytes, so the key meets each at its beginning.
    for piece in payload.chunks(PIECE) {
        let start = out.len();
        out.extend_from_slice(piece);
        mask::apply(&mut out[start..], key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(frame: &OutFrame) -> Vec<u8> {
        let mut out = Vec::new();
        assert_eq!(frame.encode(0, usize::MAX, &mut out), frame.wire_len());
        out
    }

    #[test]
    fn the_examples_of_rfc_6455_section_5_7() {
        let text = OutFrame::new(FrameKind::Text, Bytes::from_static(b"Hello"), None);
        assert_eq!(whole(&text), [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
        let masked = OutFrame::new(FrameKind::Text, Bytes::from_static(b"Hello"), Some([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!(whole(&masked), [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        let ping = OutFrame::new(FrameKind::Ping, Bytes::from_static(b"Hello"), None);
        assert_eq!(whole(&ping), [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
        let medium = whole(&OutFrame::new(FrameKind::Binary, vec![0; 256].into(), None));
        assert_eq!(medium[..4], [0x82, 0x7e, 0x01, 0x00]);
        let long = whole(&OutFrame::new(FrameKind::Binary, vec![0; 65536].into(), None));
        assert_eq!(long[..10], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn pieces_of_any_size_make_the_same_bytes() {
        for (length, mask) in [(0, None), (125, Some([1, 2, 3, 4])), (126, Some([9, 8, 7, 6])), (300, None)] {
            let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let frame = OutFrame::new(FrameKind::Binary, payload.into(), mask);
            let expected = whole(&frame);
            for room in 1..40 {
                let (mut out, mut from) = (Vec::new(), 0);
                while from < frame.wire_len() {
                    let done = frame.encode(from, room, &mut out);
                    assert!((1..=room).contains(&done));
                    from += done;
                }
                assert_eq!(out, expected);
                assert_eq!(frame.encode(from, room, &mut out), 0);
            }
        }
    }

    #[test]
    fn what_was_appended_is_read_again() {
        for (length, mask) in [(0, None), (5, Some([1, 2, 3, 4])), (126, None), (70_000, Some([9, 8, 7, 6]))] {
            let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let frame = OutFrame::new(FrameKind::Binary, payload.clone().into(), mask);
            let mut wire = Vec::new();
            append_frame(FrameKind::Binary, &payload, mask, &mut wire);
            assert_eq!(wire, whole(&frame));
            append_frame(FrameKind::Text, b"another", mask, &mut wire);
            let (again, rest) = OutFrame::reparse(&wire).unwrap().unwrap();
            assert_eq!((again.kind(), again.payload()), (FrameKind::Binary, frame.payload()));
            assert_eq!(whole(&again), wire[..wire.len() - rest.len()]);
            let (other, rest) = OutFrame::reparse(rest).unwrap().unwrap();
            assert_eq!((other.kind(), &other.payload()[..]), (FrameKind::Text, &b"another"[..]));
            assert!(rest.is_empty() && OutFrame::reparse(rest).unwrap().is_none());
        }
    }

    #[test]
    fn a_mask_crosses_pieces() {
        let frame = OutFrame::new(FrameKind::Binary, vec![0; 3 * PIECE + 5].into(), Some([1, 2, 3, 4]));
        let bytes = whole(&frame);
        assert!(
            bytes[frame.wire_len() - frame.payload().len()..].chunks(4).all(|chunk| [1, 2, 3, 4].starts_with(chunk))
        );
    }
}
