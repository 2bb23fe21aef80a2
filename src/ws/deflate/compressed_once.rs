//! What one message is compressed to.

use super::job::Job;
use bytes::Bytes;
use std::fmt;
use std::sync::{Mutex, OnceLock};

/// The smallest window that the library compresses with. The matches it finds then reach back 250 bytes at most, so
/// that it serves a peer that asked for 8 bits, too.
pub(super) const MIN_WINDOW: u8 = 9;
/// How many windows there are.
pub(super) const WINDOWS: usize = 7;

/// One message compressed for each window that a recipient has, each once.
#[derive(Default)]
pub struct CompressedOnce(pub(super) [Once; WINDOWS]);

/// For one window.
#[derive(Default)]
pub(super) struct Once {
    pub done: OnceLock<Option<Bytes>>,
    /// A long message is compressed in slices, by whichever recipient's turn it is. Never waited for.
    pub job: Mutex<Option<Box<Job>>>,
}

impl fmt::Debug for CompressedOnce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|once| &once.done)).finish()
    }
}
