//! A message as both faces see it.

use bytes::Bytes;

/// The type of a message, RFC 6455 section 5.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    Text,
    Binary,
}

/// One whole message. Cloning shares the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    kind: MessageKind,
    data: Bytes,
}

impl Message {
    /// A text message; copies `text`.
    pub fn text(text: &str) -> Self {
        Self { kind: MessageKind::Text, data: Bytes::copy_from_slice(text.as_bytes()) }
    }

    /// A text message that takes over `text` without a copy.
    pub fn from_string(text: String) -> Self {
        Self { kind: MessageKind::Text, data: text.into() }
    }

    /// A binary message; without a copy where `data` is owned.
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self { kind: MessageKind::Binary, data: data.into() }
    }

    /// For who knows that a text is UTF-8: the decoder, which has checked it, and a frame that was made of one.
    pub(super) fn received(kind: MessageKind, data: Bytes) -> Self {
        Self { kind, data }
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
