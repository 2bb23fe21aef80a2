//! The WebSocket protocol without I/O: bytes in, messages out.

mod message;

pub use message::{Message, MessageKind};
