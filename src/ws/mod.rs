//! The WebSocket protocol without I/O: bytes in, messages out.
//!
//! Opening: [`Target`] reads a URL, [`ClientHandshake`] and [`ServerHandshake`] are the two ends of RFC 6455 section 4.
//! Afterwards [`Decoder`] turns received bytes into [`Item`]s and [`OutFrame`] turns payloads into bytes. Nothing here
//! touches a socket, a clock or a thread, and nothing allocates for a length that a peer merely declares.

mod assembly;
mod close;
mod decoder;
pub mod deflate;
mod frame;
mod handshake;
mod head;
mod large;
mod mask;
mod message;
pub mod payload;
mod random;
mod redact;
mod redirect;
mod target;
#[cfg(test)]
mod tests;
mod violation;

pub use close::{PeerClose, check_close, close_payload};
pub use decoder::{Decoder, Item};
pub use frame::{FrameKind, MAX_HEAD, OutFrame, append_frame};
pub use handshake::{
    Agreed, ClientHandshake, Heard, Refusal, Request, ServerAnswer, ServerHandshake, check_header,
    check_response_header,
};
pub use message::{Message, MessageCow, MessageKind};
pub use random::{MaskKeys, random_u64};
pub use redact::head as show_head;
pub use redirect::harmless_protocols;
pub use target::Target;
pub use violation::Violation;

/// Our role on a connection: it decides which end masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}
