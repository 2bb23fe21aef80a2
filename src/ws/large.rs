//! Large payloads straight from the socket into the memory of their message, past the caller's buffer.

use super::assembly::Assembly;
use super::decoder::{Decoder, Item};
use super::mask;
use super::violation::Violation;

/// Worth it from here on; smaller rests come with what follows them.
const MIN_DIRECT: usize = 64 * 1024;

impl Decoder {
    /// Memory that the next bytes may be appended to instead of going through [`Decoder::next`], and at most how many:
    /// in the middle of a large frame that is not compressed. Tell [`Decoder::appended`] how many there were.
    pub fn room(&mut self) -> Option<(&mut Vec<u8>, usize)> {
        let frame = self.frame.as_ref().filter(|frame| !frame.opcode.is_control() && frame.remaining >= MIN_DIRECT)?;
        let message = self.message.as_mut().filter(|message| message.inflating.is_none())?;
        // Without memory the ordinary way fails, and says so.
        message.reserve(MIN_DIRECT, frame.last.then_some(frame.remaining)).ok()?;
        let most = frame.remaining.min(message.data.capacity() - message.data.len());
        Some((&mut message.data, most))
    }

    /// Takes the `count` bytes that were appended to the memory of [`Decoder::room`].
    ///
    /// # Errors
    /// As those of [`Decoder::next`].
    pub fn appended(&mut self, count: usize) -> Result<Option<Item>, Violation> {
        let (Some(mut frame), Some(message)) = (self.frame.take(), &mut self.message) else { return Ok(None) };
        let start = message.data.len().saturating_sub(count);
        mask::apply(message.data.get_mut(start..).unwrap_or_default(), frame.mask);
        frame.mask = mask::at_offset(frame.mask, count);
        frame.remaining = frame.remaining.saturating_sub(count);
        self.wire_len += count as u64;
        message.check()?;
        if frame.remaining > 0 {
            self.frame = Some(frame);
            return Ok(None);
        }
        let done = if frame.last { self.message.take() } else { None };
        done.map(|done| Assembly::finish(*done).map(Item::Message)).transpose()
    }
}
