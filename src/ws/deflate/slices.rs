//! One message through a compressor, a few KiB at a time.

use super::TAIL;
use bytes::Bytes;
use zlib_rs::{Deflate, DeflateFlush, Status};

/// What is given to the compressor at once, some 150 µs of work: between two of these it may stop.
const PIECE: usize = 8 * 1024;

/// How a slice ended.
#[derive(Debug)]
pub enum Slice {
    /// It was the last: the payload of the compressed message; `None` when it goes out as it is, also for want of
    /// memory.
    Done(Option<Bytes>),
    /// More is to be done.
    Going,
}

/// What has come of a message.
#[derive(Default)]
pub struct Slices {
    packed: Vec<u8>,
    taken: usize,
}

impl Slices {
    /// Goes on until the message is whole, with its tail left out, or `may_go_on` says no, which is asked after each
    /// piece. `Done(None)` when the whole takes `limit` bytes or more, or memory is lacking.
    pub fn go_on(
        &mut self,
        compressor: &mut Deflate,
        data: &[u8],
        step: &mut [u8],
        limit: usize,
        mut may_go_on: impl FnMut() -> bool,
    ) -> Slice {
        loop {
            let rest = data.get(self.taken..).unwrap_or_default();
            let last = rest.len() <= PIECE;
            let piece = rest.get(..PIECE).unwrap_or(rest);
            if self.piece(compressor, piece, step, last).is_none()
                || self.packed.len() >= limit.saturating_add(TAIL.len())
            {
                return Slice::Done(None);
            }
            if last {
                return Slice::Done(std::mem::take(self).whole(limit));
            }
            if !may_go_on() {
                return Slice::Going;
            }
        }
    }

    /// Takes all of the piece; `None` when that fails.
    fn piece(&mut self, compressor: &mut Deflate, piece: &[u8], step: &mut [u8], last: bool) -> Option<()> {
        let flush = if last { DeflateFlush::SyncFlush } else { DeflateFlush::NoFlush };
        let mut rest = piece;
        loop {
            let before = (compressor.total_in(), compressor.total_out());
            let status = compressor.compress(rest, step, flush).ok()?;
            // Neither exceeds the length of its slice.
            let taken = compressor.total_in().wrapping_sub(before.0) as usize;
            let made = compressor.total_out().wrapping_sub(before.1) as usize;
            rest = rest.get(taken..).unwrap_or_default();
            self.taken += taken;
            let reserved = match self.packed.is_empty() {
                true => self.packed.try_reserve_exact(made),
                false => self.packed.try_reserve(made),
            };
            reserved.ok()?;
            self.packed.extend_from_slice(&step[..made]);
            if rest.is_empty() && (made < step.len() || status == Status::BufError) {
                return Some(());
            }
            if taken == 0 && made == 0 {
                return None;
            }
        }
    }

    fn whole(self, limit: usize) -> Option<Bytes> {
        let mut packed = self.packed;
        // A flush always ends so (section 7.2.1); nothing else may go out without its tail.
        let length = packed.strip_suffix(&TAIL)?.len();
        packed.truncate(length);
        if packed.capacity() - length > length / 4 {
            packed.shrink_to_fit();
        }
        (length < limit).then(|| packed.into())
    }
}
