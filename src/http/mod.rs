//! Plain HTTP (RFC 9110, 9112) without I/O, as a server speaks it: bytes in, requests out, and answers into bytes.
//!
//! [`Request`] reads a head, [`Body`] what follows it, [`Response`] is an answer. Nothing here touches a socket, a file
//! or a clock, and nothing allocates for a length that a peer merely declares. Where two readers could disagree on where
//! a request ends, it is refused: a proxy in front may have read it the other way (request smuggling).

mod body;
mod fault;
mod request;
mod response;
mod status;
#[cfg(test)]
mod tests;

pub use body::{Body, Framing};
pub use fault::Fault;
pub use request::Request;
pub use response::{Content, Pieces, Response};
pub use status::phrase;
