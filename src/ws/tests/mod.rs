//! Behaviour across the layer's files.

mod damage;
mod decoder;
mod handshake;
mod large;
mod packed;
mod slices;
