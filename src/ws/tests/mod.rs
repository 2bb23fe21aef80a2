//! Behaviour across the layer's files.

mod decoder;
mod handshake;
