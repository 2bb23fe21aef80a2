//! A WebSocket client and server as one native library: an add-in for 1C:Enterprise and a flat C interface.
//!
//! Layers, each importing only from those to its left: `{net, http} ← ws ← engine ← cluster ← {client, server} ← {capi, native_api}`.
//! `docs/architecture.md` shows them with the rooms of the engine, the threads, the locks and the way of a message.
#![deny(clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]

#[cfg(not(panic = "unwind"))]
compile_error!("a panic must stop at the library's border: build with panic = \"unwind\"");

pub mod capi;
pub mod client;
pub mod cluster;
pub mod engine;
pub mod error;
pub mod host;
pub mod http;
pub mod json;
pub mod library;
pub mod log;
pub mod native_api;
pub mod net;
pub mod options;
pub mod proxy;
pub mod server;
pub mod sync;
pub mod ws;
