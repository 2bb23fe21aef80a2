//! What one message is compressed to.

use bytes::Bytes;
use std::sync::OnceLock;

/// The smallest window that the library compresses with. The matches it finds then reach back 250 bytes at most, so
/// that it serves a peer that asked for 8 bits, too.
pub(super) const MIN_WINDOW: u8 = 9;
/// How many windows there are.
pub(super) const WINDOWS: usize = 7;

/// One message compressed for each window that a recipient has, each once.
#[derive(Debug, Default)]
pub struct CompressedOnce(pub(super) [OnceLock<Option<Bytes>>; WINDOWS]);
