//! A long message on its way through a compressor of its own.

use super::slices::Slices;
use std::sync::Arc;
use zlib_rs::Deflate;

/// Without context takeover: the compressor belongs to it until it is whole.
pub struct Job {
    pub compressor: Deflate,
    pub slices: Slices,
    /// A share in what counts those of the thread that has begun it.
    #[expect(dead_code, reason = "it counts as long as it lives")]
    counted: Arc<()>,
}

impl Job {
    /// A message that has not begun.
    pub fn new(compressor: Deflate, counted: Arc<()>) -> Box<Self> {
        Box::new(Self { compressor, slices: Slices::default(), counted })
    }
}
