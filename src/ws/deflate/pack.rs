//! Compressing what we send, RFC 7692 section 7.2.1.

use super::compressed_once::{MIN_WINDOW, WINDOWS};
use super::job::Job;
use super::sample::seems_to_shrink;
use super::slices::{Slice, Slices};
use super::{Direction, has_room, make};
use crate::ws::Message;
use bytes::Bytes;
use std::sync::{Arc, TryLockError};
use zlib_rs::{Deflate, DeflateConfig};

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

/// A longer one is compressed in slices ([`Deflater::pack`]): this much takes some 300 µs.
const SLICED: usize = 16 * 1024;
/// Compressors that a thread has under way for messages in slices, besides those of connections with context takeover.
/// Further messages wait for one.
const MAX_JOBS: usize = 8;

/// The compressors of an I/O thread, for all its connections without context takeover: one for each window in use.
pub struct DeflatePool {
    compressors: [Option<Deflate>; WINDOWS],
    step: Vec<u8>,
    /// Each job has a clone.
    jobs: Arc<()>,
}

impl DeflatePool {
    pub fn new() -> Self {
        Self { compressors: [const { None }; WINDOWS], step: Vec::new(), jobs: Arc::default() }
    }

    fn job(&mut self, at: usize) -> Started {
        if Arc::strong_count(&self.jobs) > MAX_JOBS {
            return Started::Wait;
        }
        let bits = MIN_WINDOW + at as u8;
        let compressor = match self.compressors[at].take() {
            Some(mut kept) => {
                kept.reset();
                // Cannot fail on a stream that has not begun.
                let _ = kept.set_level(LEVEL_OF_LONG);
                Some(kept)
            }
            None => make(COST, || Deflate::new(LEVEL_OF_LONG, false, bits)),
        };
        match compressor {
            Some(compressor) => Started::Job(Job::new(compressor, self.jobs.clone())),
            None => Started::NoMemory,
        }
    }

    fn done(&mut self, at: usize, job: Job) {
        self.compressors[at].get_or_insert(job.compressor);
    }
}

impl Default for DeflatePool {
    fn default() -> Self {
        Self::new()
    }
}

enum Started {
    Job(Box<Job>),
    /// As many as may be are under way.
    Wait,
    NoMemory,
}

/// What has come of a message that is compressed in slices.
#[derive(Default)]
pub struct Packing {
    /// It was looked at, and seems to shrink.
    begun: bool,
    /// Without context takeover, and not for many.
    job: Option<Box<Job>>,
    /// With context takeover.
    slices: Slices,
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

    /// Whether a message is compressed in slices.
    pub fn is_sliced(message: &Message) -> bool {
        message.data().len() > SLICED
    }

    /// The payload of a compressed message that is not sliced; `None` when it goes out as it is, also for want of memory.
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
            let own = own(&mut self.own, bits)?;
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
            Some(compressed_once) => compressed_once.0[at].done.get_or_init(alone).clone(),
            None => alone(),
        }
    }

    /// Goes on with a sliced message as long as `may_go_on` says so, which is asked after each few KiB. Until it is done
    /// no other message of this connection may be compressed, and with context takeover it may only be given up with
    /// [`Deflater::forget`]. What does not seem to shrink is not compressed at all.
    ///
    /// Whoever shares a message that is compressed once for many goes on with it where the last one has stopped; while
    /// another thread is at it there is nothing to do.
    pub fn pack(
        &mut self,
        packing: &mut Packing,
        message: &Message,
        deflate_pool: &mut DeflatePool,
        mut may_go_on: impl FnMut() -> bool,
    ) -> Slice {
        if !has_room(&mut deflate_pool.step) {
            return Slice::Done(None);
        }
        let (data, at) = (&message.data()[..], usize::from(self.direction.bits - MIN_WINDOW));
        let shared = message.compressed_once().filter(|_| !self.direction.takeover).map(|once| &once.0[at]);
        if let Some(done) = shared.and_then(|shared| shared.done.get()) {
            return Slice::Done(done.clone());
        }
        if !std::mem::replace(&mut packing.begun, true) && !seems_to_shrink(data) {
            let none = shared.map(|shared| shared.done.get_or_init(|| None).clone());
            return Slice::Done(none.flatten());
        }
        if self.direction.takeover {
            let Some(own) = own(&mut self.own, self.direction.bits) else { return Slice::Done(None) };
            let slice = packing.slices.go_on(own, data, &mut deflate_pool.step, usize::MAX, may_go_on);
            if matches!(slice, Slice::Done(None)) {
                // As for a short one.
                self.own = None;
            }
            return slice;
        }
        let Some(shared) = shared else { return go_on(&mut packing.job, data, at, deflate_pool, &mut may_go_on) };
        let mut job = match shared.job.try_lock() {
            Ok(job) => job,
            Err(TryLockError::Poisoned(broken)) => broken.into_inner(),
            Err(TryLockError::WouldBlock) => return Slice::Going,
        };
        // Another thread may have ended it before the lock was free.
        if let Some(done) = shared.done.get() {
            return Slice::Done(done.clone());
        }
        match go_on(&mut job, data, at, deflate_pool, &mut may_go_on) {
            Slice::Done(packed) => Slice::Done(shared.done.get_or_init(|| packed).clone()),
            Slice::Going => Slice::Going,
        }
    }

    /// A sliced message that was begun is given up. What follows refers to nothing of it.
    pub fn forget(&mut self) {
        self.own = None;
    }
}

/// A slice with a compressor of the thread's.
fn go_on(
    job: &mut Option<Box<Job>>,
    data: &[u8],
    at: usize,
    deflate_pool: &mut DeflatePool,
    may_go_on: &mut dyn FnMut() -> bool,
) -> Slice {
    if job.is_none() {
        match deflate_pool.job(at) {
            Started::Job(started) => *job = Some(started),
            Started::Wait => return Slice::Going,
            Started::NoMemory => return Slice::Done(None),
        }
    }
    let Some(Job { compressor, slices, .. }) = job.as_deref_mut() else { return Slice::Going };
    // Not worth it unless it becomes smaller.
    let slice = slices.go_on(compressor, data, &mut deflate_pool.step, data.len(), may_go_on);
    if let Slice::Done(_) = slice
        && let Some(job) = job.take()
    {
        deflate_pool.done(at, *job);
    }
    slice
}

/// The connection's own compressor; `None` for want of memory.
fn own(own: &mut Option<Box<Deflate>>, bits: u8) -> Option<&mut Deflate> {
    Some(match own {
        Some(own) => own,
        none => none.insert(make(COST, || Box::new(in_context(bits)))?),
    })
}

/// A compressor that stays with its connection: a smaller window has less memory for the rest, too.
fn in_context(bits: u8) -> Deflate {
    let (window_bits, mem_level) = (-i32::from(bits), i32::from(bits - 7));
    Deflate::new_with_config(DeflateConfig { window_bits, mem_level, ..DeflateConfig::new(LEVEL_IN_CONTEXT) })
}

/// Compresses all of `data` and leaves the tail out; `None` when that takes `limit` bytes or more.
fn compress(compressor: &mut Deflate, data: &[u8], step: &mut [u8], limit: usize) -> Option<Bytes> {
    match Slices::default().go_on(compressor, data, step, limit, || true) {
        Slice::Done(packed) => packed,
        Slice::Going => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::deflate::{InflatePool, Inflater};

    fn unpacked(direction: Direction, packed: &[&Bytes]) -> Vec<Vec<u8>> {
        let (mut inflater, mut pool) = (Inflater::new(direction), InflatePool::new());
        let one = |packed: &&Bytes| {
            let (mut inflating, mut out) = (inflater.begin(&mut pool).unwrap(), Vec::new());
            let mut rest = &packed[..];
            while !rest.is_empty() {
                let taken = inflating.feed(rest, &mut pool, |piece| {
                    out.extend_from_slice(piece);
                    Ok(())
                });
                rest = &rest[taken.unwrap()..];
            }
            inflating.finish(&mut pool).unwrap();
            inflater.end(inflating, &mut pool);
            out
        };
        packed.iter().map(one).collect()
    }

    /// All slices of a message, or the only one.
    fn packed(deflater: &mut Deflater, message: &Message, deflate_pool: &mut DeflatePool) -> Option<Bytes> {
        if !Deflater::is_sliced(message) {
            return deflater.deflate_message(message, deflate_pool);
        }
        let mut packing = Packing::default();
        loop {
            if let Slice::Done(done) = deflater.pack(&mut packing, message, deflate_pool, || false) {
                return done;
            }
        }
    }

    #[test]
    fn those_that_share_a_long_message_go_on_with_it_in_turn() {
        let message = Message::text(&"много раз ".repeat(50_000)).for_many();
        let direction = Direction { takeover: false, bits: 15 };
        // Two connections of a thread, and one of another.
        let (mut one, mut other) = (DeflatePool::new(), DeflatePool::new());
        let mut three = [(); 3].map(|()| (Deflater::new(direction), Packing::default()));
        let mut turns = 0;
        let done = loop {
            let at = turns % 3;
            turns += 1;
            let (deflater, packing) = &mut three[at];
            let pool = if at == 2 { &mut other } else { &mut one };
            if let Slice::Done(done) = deflater.pack(packing, &message, pool, || false) {
                break done.unwrap();
            }
        };
        assert_eq!(turns, message.data().len().div_ceil(8 * 1024));
        for (at, (deflater, packing)) in three.iter_mut().enumerate() {
            let pool = if at == 2 { &mut other } else { &mut one };
            let Slice::Done(Some(same)) = deflater.pack(packing, &message, pool, || false) else { panic!("{at}") };
            assert_eq!(same.as_ptr(), done.as_ptr());
        }
        assert_eq!(unpacked(direction, &[&done]), [message.data().to_vec()]);
    }

    #[test]
    fn no_more_compressors_than_allowed_are_under_way() {
        let message = Message::text(&"много раз ".repeat(5000));
        let (direction, mut pool) = (Direction { takeover: false, bits: 15 }, DeflatePool::new());
        let new = || (Deflater::new(direction), Packing::default());
        let mut many: Vec<_> = std::iter::repeat_with(new).take(MAX_JOBS + 1).collect();
        let going = |(deflater, packing): &mut (Deflater, Packing), pool: &mut DeflatePool| {
            matches!(deflater.pack(packing, &message, pool, || false), Slice::Going)
        };
        assert!(many.iter_mut().all(|one| going(one, &mut pool)));
        assert_eq!(many.iter().filter(|(_, packing)| packing.job.is_some()).count(), MAX_JOBS);
        // The last one gets its compressor when another one is given up, or done.
        many.swap_remove(0);
        assert!(many.iter_mut().all(|one| going(one, &mut pool)));
        assert!(many.iter().all(|(_, packing)| packing.job.is_some()));
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
                .map(|data| packed(&mut deflater, &Message::binary(data.clone()), &mut deflate_pool).unwrap())
                .collect();
            assert_eq!(unpacked(direction, &packed.iter().collect::<Vec<_>>()), messages);
        }
    }
}
