//! A message that comes in several pieces.

use super::deflate::InflatingMessage;
use super::message::{Message, MessageKind};
use super::payload;
use super::violation::{Violation, no_memory};
use crate::error::{Error, Id};

/// How far ahead of the bytes that came memory is reserved for those that were declared.
const AHEAD: usize = 64 * 1024;

/// What has come of a message that is not complete.
pub(super) struct Assembly {
    pub(super) kind: MessageKind,
    pub(super) data: Vec<u8>,
    /// Bytes of a text found to be UTF-8; behind them at most three of a character that is not complete.
    valid: usize,
    /// Where the message is compressed.
    pub(super) inflating: Option<Box<InflatingMessage>>,
}

impl Assembly {
    pub(super) fn new(kind: MessageKind, inflating: Option<Box<InflatingMessage>>) -> Self {
        Self { kind, data: Vec::new(), valid: 0, inflating }
    }

    /// Takes a piece of a frame, the message's last or not, of which `remaining` bytes are to come, the piece included.
    pub(super) fn append(&mut self, payload: &[u8], last: bool, remaining: usize) -> Result<(), Violation> {
        self.reserve(payload.len(), last.then_some(remaining))?;
        self.add(payload)
    }

    /// Takes what was inflated, up to the bound and with no more memory than that.
    pub(super) fn append_inflated(&mut self, piece: &[u8], max_message: usize) -> Result<(), Violation> {
        let length = self.data.len();
        if piece.len() > max_message - length.min(max_message) {
            return Err(Violation::with(1009, Error::new(Id::MessageInflatedTooBig, [max_message.into()])));
        }
        if self.data.capacity() - length < piece.len() {
            let doubled = self.data.capacity().saturating_mul(2).min(max_message);
            let more = doubled.max(length + piece.len()) - length;
            self.data.try_reserve_exact(more).map_err(|_| no_memory(Error::of(Id::NoMemory)))?;
        }
        self.add(piece)
    }

    /// The message, in no much more memory than it needs: it may wait long in a queue that counts its length.
    pub(super) fn finish(mut self) -> Result<Message, Violation> {
        if self.kind == MessageKind::Text && self.valid < self.data.len() {
            return Err(Violation::with(1007, Id::TextUtf8.into()));
        }
        if self.data.capacity() - self.data.len() > self.data.len() / 4 {
            self.data.shrink_to_fit();
        }
        Ok(Message::received(self.kind, payload::into_bytes(self.data)))
    }

    fn add(&mut self, payload: &[u8]) -> Result<(), Violation> {
        self.data.extend_from_slice(payload);
        self.check()
    }

    /// Looks at the bytes that were added: a fault shows at once, not at the end of the message.
    pub(super) fn check(&mut self) -> Result<(), Violation> {
        if self.kind == MessageKind::Text {
            let fresh = self.data.get(self.valid..).unwrap_or_default();
            match simdutf8::compat::from_utf8(fresh) {
                Ok(_) => self.valid = self.data.len(),
                Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
                Err(_) => return Err(Violation::with(1007, Id::TextUtf8.into())),
            }
        }
        Ok(())
    }

    /// Room for `more` bytes. For the last frame the end is declared: up to there, but neither more than twice what
    /// came nor, for a small beginning, more than [`AHEAD`]. Before, doubling, because more fragments will follow.
    pub(super) fn reserve(&mut self, more: usize, declared: Option<usize>) -> Result<(), Violation> {
        let length = self.data.len();
        if self.data.capacity() - length >= more {
            return Ok(());
        }
        if let Some(declared) = declared {
            let ahead = length.max(more.saturating_add(AHEAD));
            let ahead = ahead.clamp(more, declared);
            match self.data.capacity() {
                0 => self.data = payload::buffer_for(ahead).map_err(no_memory)?,
                _ => self.data.try_reserve_exact(ahead).map_err(|_| no_memory(Id::NoMemory.into()))?,
            }
        } else {
            self.data.try_reserve(more).map_err(|_| no_memory(Id::NoMemory.into()))?;
        }
        Ok(())
    }
}
