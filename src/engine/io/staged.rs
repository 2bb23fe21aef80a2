//! Frames in their final order, on their way to the kernel.

use crate::error::{Error, Id, Result};
use crate::ws::{Message, OutFrame};
use std::collections::VecDeque;

/// Room for frames that is kept for the next connection that has some.
const MAX_KEPT_FRAMES: usize = 1024;

/// What a connection has staged. Nearly all connections have nothing, and own none: it is lent by the thread, so that
/// a connection that has something to say takes no memory either, as long as the kernel takes what it says.
#[derive(Default)]
pub struct Staged {
    pub frames: VecDeque<OutFrame>,
    /// On the wire, the part of the first one included that has gone.
    pub bytes: usize,
    /// Bytes of the first one that have gone.
    pub sent: usize,
}

/// Places beside those of messages, for control frames.
const SPARE: usize = 2;

impl Staged {
    /// Looks for places for so many messages.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn make_room(&mut self, messages: usize) -> Result<()> {
        self.frames.try_reserve(messages + SPARE).map_err(|_| Error::of(Id::NoMemory))
    }

    /// The same, where fewer will do: how many there are. With nothing staged it is one at least: what that takes is small.
    pub fn make_some_room(&mut self, messages: usize) -> usize {
        if self.make_room(messages).is_ok() {
            return messages;
        }
        let places = (self.frames.capacity() - self.frames.len()).saturating_sub(SPARE);
        places.max(usize::from(self.frames.is_empty()))
    }

    pub fn push_back(&mut self, frame: OutFrame) {
        self.bytes += frame.wire_len();
        self.frames.push_back(frame);
    }

    pub fn push_front(&mut self, frame: OutFrame) {
        self.bytes += frame.wire_len();
        self.frames.push_front(frame);
    }

    /// Takes out the first one when `left` bytes that have gone make it whole.
    pub fn pop_gone(&mut self, left: &mut usize) -> Option<OutFrame> {
        let length = self.frames.front()?.wire_len();
        *left = left.checked_sub(length)?;
        self.bytes -= length;
        self.frames.pop_front()
    }

    /// The messages among them, none of which has gone whole.
    pub fn into_messages(self) -> impl DoubleEndedIterator<Item = Message> {
        self.frames.into_iter().filter_map(OutFrame::into_message)
    }

    /// Whether it is worth keeping for the next.
    pub fn is_worth_keeping(&self) -> bool {
        self.frames.is_empty() && self.frames.capacity() <= MAX_KEPT_FRAMES
    }
}
