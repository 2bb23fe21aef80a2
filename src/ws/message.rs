//! A message as both faces see it.

use super::deflate::CompressedOnce;
use super::payload::{self, PayloadArena};
use crate::error::Result;
use bytes::Bytes;
use std::sync::Arc;

/// The type of a message, RFC 6455 section 5.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    Text,
    Binary,
}

/// One whole message. Cloning shares the payload.
#[derive(Clone, Debug)]
pub struct Message {
    kind: MessageKind,
    data: Bytes,
    /// Its compressed forms, for all recipients that share it.
    compressed_once: Option<Arc<CompressedOnce>>,
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.data) == (other.kind, &other.data)
    }
}

impl Eq for Message {}

impl Message {
    /// A text message; copies `text`.
    pub fn text(text: &str) -> Self {
        Self::from_string(text.to_owned())
    }

    /// A binary message; without a copy where `data` is owned.
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self::received(MessageKind::Binary, data.into())
    }

    /// A text message with a copy of `text`; NO_MEMORY when there is none for it.
    pub fn try_text(text: &str) -> Result<Self> {
        Ok(Self::received(MessageKind::Text, payload::copy(text.as_bytes())?))
    }

    /// A text message that takes over `text` without a copy.
    pub fn from_string(text: String) -> Self {
        Self::received(MessageKind::Text, text.into())
    }

    /// A binary message with a copy of `data`; NO_MEMORY when there is none for it.
    pub fn try_binary(data: &[u8]) -> Result<Self> {
        Ok(Self::received(MessageKind::Binary, payload::copy(data)?))
    }

    /// For callers that know a text to be UTF-8: the decoder, which has checked it, and a frame that was made of one.
    pub fn received(kind: MessageKind, data: Bytes) -> Self {
        Self { kind, data, compressed_once: None }
    }

    /// For many recipients: it is compressed once for each window among them.
    pub fn for_many(self) -> Self {
        Self { compressed_once: Some(Arc::default()), ..self }
    }

    pub(super) fn compressed_once(&self) -> Option<&CompressedOnce> {
        self.compressed_once.as_deref()
    }

    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The payload: valid UTF-8 when the kind is text.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// The payload, for a frame.
    pub fn into_data(self) -> Bytes {
        self.data
    }

    /// The payload as text, `None` for a binary message. Checks the bytes again.
    pub fn as_str(&self) -> Option<&str> {
        match self.kind {
            MessageKind::Text => simdutf8::basic::from_utf8(&self.data).ok(),
            MessageKind::Binary => None,
        }
    }
}

/// A message that is to become one: copied already, or so short that it is copied to where others lie.
pub enum MessageCow<'a> {
    Whole(Message),
    Short(MessageKind, &'a [u8]),
}

impl<'a> MessageCow<'a> {
    pub fn text(text: &'a str) -> Result<Self> {
        Self::received(MessageKind::Text, text.as_bytes())
    }

    pub fn binary(data: &'a [u8]) -> Result<Self> {
        Self::received(MessageKind::Binary, data)
    }

    /// For callers that know a text to be UTF-8. NO_MEMORY when there is none for a long one.
    pub fn received(kind: MessageKind, data: &'a [u8]) -> Result<Self> {
        Ok(match data.len() <= payload::SHORT {
            true => MessageCow::Short(kind, data),
            false => MessageCow::Whole(Message::received(kind, payload::copy(data)?)),
        })
    }

    /// Bytes of its payload.
    pub fn size(&self) -> usize {
        match self {
            MessageCow::Whole(message) => message.data().len(),
            MessageCow::Short(_, data) => data.len(),
        }
    }

    /// With memory of its own; NO_MEMORY when there is none.
    pub fn owned(self) -> Result<Message> {
        match self {
            MessageCow::Whole(message) => Ok(message),
            MessageCow::Short(kind, data) => Ok(Message::received(kind, payload::copy(data)?)),
        }
    }

    /// Behind others, if it is short.
    pub fn in_arena(self, arena: &mut PayloadArena) -> Result<Message> {
        match self {
            MessageCow::Whole(message) => Ok(message),
            MessageCow::Short(kind, data) => Ok(Message::received(kind, arena.copy(data)?)),
        }
    }
}

impl From<Message> for MessageCow<'_> {
    fn from(message: Message) -> Self {
        MessageCow::Whole(message)
    }
}
