//! RFC 6455 and RFC 7692 to the letter, in both roles: a peer written by hand against an object that sends every message
//! back. The classes are those that public conformance suites use: framing, pings, reserved bits, opcodes,
//! fragmentation, UTF-8 (failing as soon as it shows), closing, volume and compression.

mod closing;
#[path = "../common/deflate.rs"]
mod deflate;
mod extension;
#[path = "../common/face.rs"]
mod face;
mod fragments;
mod framing;
#[path = "../common/raw.rs"]
mod raw;
mod texts;
mod volume;
mod wire;
