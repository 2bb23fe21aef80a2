//! Compressing what we send, RFC 7692 section 7.2.1.

use super::compressed_once::{MIN_WINDOW, WINDOWS};
use super::{Direction, TAIL, has_room, make};
use crate::ws::Message;
use bytes::Bytes;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status};

/// A shorter message goes out as it is. Of JSON compressed by itself, 64 bytes grow, 128 shrink to 85 % and 256 to
/// 57 %, for some 10 µs.
const THRESHOLD: usize = 256;
/// With context takeover 32 bytes shrink to half.
const THRESHOLD_IN_CONTEXT: usize = 32;
/// Up to [`LONG`] bytes: a third of the time of level 2 for nearly the same size, since most of the work is to begin.
const LEVEL: i32 = 1;
/// Longer ones become a quarter smaller than with level 1 in twice the time; higher levels gain little for much more.
const LEVEL_OF_LONG: i32 = 2;
const LONG: usize = 4096;
/// A fifth smaller than with level 1, and the work to begin is done once.
const LEVEL_IN_CONTEXT: i32 = 4;
/// About what the largest takes, with room to spare.
const COST: usize = 384 * 1024;

/// The compressors of an I/O thread, for all its connections without context takeover: one for each window in use.
pub struct DeflatePool {
    compressors: [Option<Deflate>; WINDOWS],
    step: Vec<u8>,
}

impl DeflatePool {
    pub fn new() -> Self {
        Self { compressors: [const { None }; WINDOWS], step: Vec::new() }
    }
}

impl Default for DeflatePool {
    fn default() -> Self {
        Self::new()
    }
}

/// The sending end of one connection.
pub struct Deflater {
    direction: Direction,
    /// With context takeover.
    own: Option<Box<Deflate>>,
}

impl Deflater {
    pub fn new(direction: Direction) -> Self {
        Self { direction: Direction { bits: direction.bits.clamp(MIN_WINDOW, 15), ..direction }, own: None }
    }

    /// Shorter messages go out as they are.
    pub fn shortest(&self) -> usize {
        if self.direction.takeover { THRESHOLD_IN_CONTEXT } else { THRESHOLD }
    }

    /// The payload of a compressed message; `None` when it goes out as it is, also for want of memory.
    pub fn deflate_message(&mut self, message: &Message, deflate_pool: &mut DeflatePool) -> Option<Bytes> {
        let length = message.data().len();
        if length < self.shortest() {
            return None;
        }
        if !has_room(&mut deflate_pool.step) {
            return None;
        }
        let bits = self.direction.bits;
        if self.direction.takeover {
            let own = match &mut self.own {
                Some(own) => own,
                none => none.insert(make(COST, || Box::new(in_context(bits)))?),
            };
            let packed = compress(own, message.data(), &mut deflate_pool.step, usize::MAX);
            if packed.is_none() {
                // It has seen what the other side will not see as compressed: it begins anew, and refers to nothing.
                self.own = None;
            }
            return packed;
        }
        let at = usize::from(bits - MIN_WINDOW);
        let (compressor, step) = (&mut deflate_pool.compressors[at], &mut deflate_pool.step);
        let alone = || {
            let compressor = match compressor {
                Some(compressor) => compressor,
                none => none.insert(make(COST, || Deflate::new(LEVEL, false, bits))?),
            };
            compressor.reset();
            // Cannot fail on a stream that has not begun.
            let _ = compressor.set_level(if length > LONG { LEVEL_OF_LONG } else { LEVEL });
            // Not worth it unless it becomes smaller.
            compress(compressor, message.data(), step, length)
        };
        match message.compressed_once() {
            Some(compressed_once) => compressed_once.0[at].get_or_init(alone).clone(),
            None => alone(),
        }
    }
}

/// A compressor that stays with its connection: a smaller window has less memory for the rest, too.
fn in_context(bits: u8) -> Deflate {
    let (window_bits, mem_level) = (-i32::from(bits), i32::from(bits - 7));
    Deflate::new_with_config(DeflateConfig { window_bits, mem_level, ..DeflateConfig::new(LEVEL_IN_CONTEXT) })
}

/// Compresses all of `data` and leaves the tail out; `None` when that takes `limit` bytes or more.
fn compress(compressor: &mut Deflate, data: &[u8], step: &mut [u8], limit: usize) -> Option<Bytes> {
    let mut packed = Vec::new();
    let mut rest = data;
    loop {
        let before = (compressor.total_in(), compressor.total_out());
        let status = compressor.compress(rest, step, DeflateFlush::SyncFlush).ok()?;
        // Neither exceeds the length of its slice.
        let taken = compressor.total_in().wrapping_sub(before.0) as usize;
        let made = compressor.total_out().wrapping_sub(before.1) as usize;
        rest = rest.get(taken..).unwrap_or_default();
        let done = rest.is_empty() && (made < step.len() || status == Status::BufError);
        let reserved = match packed.is_empty() {
            true => packed.try_reserve_exact(made),
            false => packed.try_reserve(made),
        };
        reserved.ok()?;
        packed.extend_from_slice(&step[..made]);
        if done {
            break;
        }
        if packed.len() >= limit.saturating_add(TAIL.len()) || taken == 0 && made == 0 {
            return None;
        }
    }
    // A flush always ends so (section 7.2.1); nothing else may go out without its tail.
    let length = packed.strip_suffix(&TAIL)?.len();
    packed.truncate(length);
    if packed.capacity() - length > length / 4 {
        packed.shrink_to_fit();
    }
    (length < limit).then(|| packed.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::deflate::{InflatePool, Inflater};

    fn unpacked(direction: Direction, packed: &[&Bytes]) -> Vec<Vec<u8>> {
        let (mut inflater, mut pool) = (Inflater::new(direction), InflatePool::new());
        let one = |packed: &&Bytes| {
            let (mut inflating, mut out) = (inflater.begin(&mut pool).unwrap(), Vec::new());
            inflating
                .feed(packed, &mut pool, |piece| {
                    out.extend_from_slice(piece);
                    Ok(())
                })
                .unwrap();
            inflating.finish(&mut pool).unwrap();
            inflater.end(inflating, &mut pool);
            out
        };
        packed.iter().map(one).collect()
    }

    #[test]
    fn a_broadcast_is_compressed_once_for_each_window() {
        let message = Message::text(&"много раз ".repeat(500)).for_many();
        let deflate_message = |bits, takeover, deflate_pool: &mut DeflatePool| {
            Deflater::new(Direction { takeover, bits }).deflate_message(&message.clone(), deflate_pool).unwrap()
        };
        // Two threads have their own compressors.
        let (mut one, mut other) = (DeflatePool::new(), DeflatePool::new());
        let first = deflate_message(15, false, &mut one);
        assert_eq!(first.as_ptr(), deflate_message(15, false, &mut other).as_ptr());
        let small = deflate_message(9, false, &mut other);
        assert_eq!(small.as_ptr(), deflate_message(8, false, &mut one).as_ptr());
        assert_ne!(first.as_ptr(), small.as_ptr());
        let own = deflate_message(15, true, &mut one);
        assert_ne!(first.as_ptr(), own.as_ptr(), "who keeps a context has to compress in it");
        for packed in [&first, &small, &own] {
            assert_eq!(unpacked(Direction { takeover: false, bits: 15 }, &[packed]), [message.data().to_vec()]);
        }
    }

    #[test]
    fn sizes_around_every_step_come_back() {
        for takeover in [false, true] {
            let (direction, mut deflate_pool) = (Direction { takeover, bits: 15 }, DeflatePool::new());
            let mut deflater = Deflater::new(direction);
            let mut state = 1_u32;
            let mut noise = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8 & 3
            };
            let sizes = [256, 4096, 4097, 32_767, 32_768, 43_691, 65_536, 200_000, 256];
            let messages: Vec<Vec<u8>> =
                sizes.iter().map(|size| std::iter::repeat_with(&mut noise).take(*size).collect()).collect();
            let packed: Vec<Bytes> = messages
                .iter()
                .map(|data| deflater.deflate_message(&Message::binary(data.clone()), &mut deflate_pool).unwrap())
                .collect();
            assert_eq!(unpacked(direction, &packed.iter().collect::<Vec<_>>()), messages);
        }
    }
}
