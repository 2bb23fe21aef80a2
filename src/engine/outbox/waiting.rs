//! Messages that wait, in order.
//!
//! Short ones are bytes of a common buffer until they are needed as messages. The fast path never needs them so: there
//! they cost neither memory of their own nor an atomic count.

use crate::error::{Error, Id, Result};
use crate::ws::payload::{PayloadArena, make_room};
use crate::ws::{Message, MessageCow, MessageKind};
use bytes::{Buf, BytesMut};
use std::collections::VecDeque;

/// Bytes of the common buffer. More of them lie in an arena: one chunk for all would be a large allocation at once.
const MAX_COMMON: usize = 16 * 1024;
/// Items whose memory is kept; an idle connection owns no buffer.
const MAX_KEPT_ITEMS: usize = 64;

enum Item {
    Whole(Message),
    /// So many of the next bytes of the common buffer.
    Short(MessageKind, u16),
}

/// See the module's page.
#[derive(Default)]
pub struct Waiting {
    items: VecDeque<Item>,
    /// Boxed, because nearly all connections have none.
    common: Option<Box<Common>>,
}

#[derive(Default)]
struct Common {
    short: BytesMut,
    arena: PayloadArena,
}

impl Waiting {
    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// False when there is no memory for its place. The first always has one: what that takes is small.
    pub fn push_front(&mut self, message: Message) -> bool {
        let place = self.items.try_reserve(1).is_ok() || self.items.is_empty();
        if place {
            self.items.push_front(Item::Whole(message));
        }
        place
    }

    /// Bytes of all payloads.
    pub fn bytes(&self) -> usize {
        let mut bytes = 0;
        self.read(|_, data| bytes += data.len());
        bytes
    }

    /// Moves all of `other` behind these; false, and nothing is moved, when there is no memory for their places.
    pub fn append(&mut self, other: &mut Self) -> bool {
        if self.is_empty() {
            std::mem::swap(self, other);
            return true;
        }
        if self.items.try_reserve(other.len()).is_err() {
            return false;
        }
        while let Some(message) = other.pop_front() {
            self.items.push_back(Item::Whole(message));
        }
        true
    }

    /// One that is alone has memory of its own. Those that wait together lie together, so that the memory of a queue is
    /// that of its own messages. NO_MEMORY when the system has none.
    pub fn push_back(&mut self, message: MessageCow<'_>) -> Result<()> {
        self.items.try_reserve(1).map_err(|_| Error::of(Id::NoMemory))?;
        let item = match message {
            MessageCow::Short(..) if self.items.is_empty() => Item::Whole(message.owned()?),
            MessageCow::Short(kind, data) => {
                let common = self.common.get_or_insert_default();
                match u16::try_from(data.len()) {
                    Ok(length) if common.short.len() + data.len() <= MAX_COMMON => {
                        make_room(&mut common.short, data.len())?;
                        common.short.extend_from_slice(data);
                        Item::Short(kind, length)
                    }
                    _ => Item::Whole(message.in_arena(&mut common.arena)?),
                }
            }
            MessageCow::Whole(message) => Item::Whole(message),
        };
        self.items.push_back(item);
        Ok(())
    }

    pub fn pop_front(&mut self) -> Option<Message> {
        let message = match self.items.pop_front()? {
            Item::Whole(message) => message,
            Item::Short(kind, length) => {
                let short = &mut self.common.as_mut()?.short;
                Message::received(kind, short.split_to(usize::from(length)).freeze())
            }
        };
        if self.items.is_empty() {
            self.idle();
        }
        Some(message)
    }

    /// Moves all of them behind those of `other`, which is empty.
    pub fn move_all(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.items, &mut other.items);
        other.common = self.common.take();
        self.idle();
    }

    /// Moves them there until about `room` bytes have gone, of which each message takes `overhead` more; fewer where
    /// there is no memory for their places.
    pub fn move_some(&mut self, other: &mut Self, mut room: usize, overhead: usize) {
        while room > 0 && other.items.try_reserve(1).is_ok() {
            let length = match self.items.front() {
                None => break,
                Some(Item::Whole(message)) => message.data().len(),
                Some(Item::Short(_, length)) => {
                    let (length, Some(common)) = (usize::from(*length), &mut self.common) else { break };
                    let theirs = &mut other.common.get_or_insert_default().short;
                    if make_room(theirs, length).is_err() {
                        break;
                    }
                    theirs.extend_from_slice(&common.short[..length]);
                    common.short.advance(length);
                    length
                }
            };
            let Some(item) = self.items.pop_front() else { break };
            other.items.push_back(item);
            room = room.saturating_sub(length + overhead);
        }
        if self.items.is_empty() {
            self.idle();
        }
    }

    /// Shows all of them where they lie.
    pub fn read(&self, mut look: impl FnMut(MessageKind, &[u8])) {
        let mut short = self.common.as_ref().map_or(&[][..], |common| &common.short[..]);
        for item in &self.items {
            match item {
                Item::Whole(message) => look(message.kind(), message.data()),
                Item::Short(kind, length) => {
                    let (data, rest) = short.split_at(usize::from(*length));
                    look(*kind, data);
                    short = rest;
                }
            }
        }
    }

    /// Drops all of them, and keeps a little memory.
    pub fn clear(&mut self) {
        self.items.clear();
        self.idle();
    }

    fn idle(&mut self) {
        self.common = None;
        if self.items.capacity() > MAX_KEPT_ITEMS {
            self.items = VecDeque::new();
        }
    }
}

impl Iterator for Waiting {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        self.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Plain = (MessageKind, Vec<u8>);

    fn plain(message: &Message) -> Plain {
        (message.kind(), message.data().to_vec())
    }

    fn content(waiting: &Waiting) -> VecDeque<Plain> {
        let mut content = VecDeque::new();
        waiting.read(|kind, data| content.push_back((kind, data.to_vec())));
        content
    }

    /// Whatever is put in, moved about and taken out: the same as in a plain queue of messages.
    #[test]
    fn nothing_changes_its_place_or_its_content() {
        let (mut waiting, mut batch) = (Waiting::default(), Waiting::default());
        let mut model = VecDeque::new();
        let mut seed = 1_u32;
        let mut below = |bound: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % bound
        };
        let mut most = 0;
        for step in 0..200_000_u32 {
            match below(400) {
                0 => {
                    waiting.move_all(&mut batch);
                    assert_eq!(content(&batch), model);
                    assert!(waiting.is_empty() && waiting.common.is_none());
                    model.clear();
                }
                1..10 => {
                    waiting.move_some(&mut batch, below(5000) as usize, 16);
                    assert_eq!(content(&batch), model.drain(..batch.len()).collect::<VecDeque<_>>());
                    assert_eq!(waiting.len(), model.len());
                    // They may come back, in order.
                    if below(2) == 0 {
                        let back: Vec<_> = batch.by_ref().collect();
                        for message in back.into_iter().rev() {
                            model.push_front(plain(&message));
                            waiting.push_front(message);
                        }
                    }
                }
                10..100 => assert_eq!(waiting.pop_front().as_ref().map(plain), model.pop_front()),
                _ => {
                    let data = vec![step as u8; [0, 1, 7, 64, 64, 64, 255, 256, 257, 3000][below(10) as usize]];
                    let kind = if below(2) == 0 { MessageKind::Text } else { MessageKind::Binary };
                    waiting.push_back(MessageCow::received(kind, &data).unwrap()).unwrap();
                    model.push_back((kind, data));
                }
            }
            batch.clear();
            most = most.max(waiting.common.as_ref().map_or(0, |common| common.short.len()));
            if step % 1000 == 0 {
                assert_eq!(content(&waiting), model);
            }
        }
        assert!(most > MAX_COMMON - 300 && most <= MAX_COMMON, "the common buffer was full: {most}");
    }
}
