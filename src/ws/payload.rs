//! The memory of payloads.
//!
//! Large ones keep theirs for the next one: the system gives and takes back big pieces page by page, which costs more
//! than copying what is in them. At most 4 MiB are kept, and only while the process has objects ([`open`], [`close`]).
//! Short ones lie behind each other in pieces of memory that they share ([`PayloadArena`]): they are made on one thread and
//! dropped on another, in batches, which is what allocators are worst at.

use crate::error::{Error, Id, Result, memory};
use bytes::{Bytes, BytesMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Smaller pieces come from the allocator's own caches.
const MIN_POOLED: usize = 16 * 1024;
/// Larger ones are rare, and would fill the pool alone.
const MAX_POOLED: usize = 2 * 1024 * 1024;
/// Kept for the whole process: as much as the payloads of a few busy connections.
const MAX_KEPT_BYTES: usize = 4 * 1024 * 1024;

struct Pool {
    open: bool,
    bytes: usize,
    free: Vec<Vec<u8>>,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { open: false, bytes: 0, free: Vec::new() });

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on memory is kept.
pub fn open() {
    pool().open = true;
}

/// Gives everything back to the system; what is returned later is not kept.
pub fn close() {
    let kept = {
        let mut pool = pool();
        (pool.open, pool.bytes) = (false, 0);
        std::mem::take(&mut pool.free)
    };
    drop(kept);
}

/// [`close`] at the end of a process, where a thread that was stopped may have had the lock.
pub fn abandon() {
    if let Ok(mut pool) = POOL.try_lock() {
        (pool.open, pool.bytes) = (false, 0);
        pool.free = Vec::new();
    }
}

/// An empty buffer with room for `size` bytes; NO_MEMORY when the system has none.
pub(super) fn buffer_for(size: usize) -> Result<Vec<u8>> {
    if (MIN_POOLED..=MAX_POOLED).contains(&size) {
        let mut pool = pool();
        // The latest is in the cache still; one far too big would waste what it has.
        if let Some(at) = pool.free.iter().rposition(|kept| (size..=2 * size).contains(&kept.capacity())) {
            let found = pool.free.swap_remove(at);
            pool.bytes -= found.capacity();
            return Ok(found);
        }
    }
    let mut fresh = Vec::new();
    fresh.try_reserve_exact(size).map_err(|_| Error::of(Id::NoMemory))?;
    Ok(fresh)
}

/// A payload of the buffer's bytes; its memory comes back when the last user has dropped it.
pub(super) fn into_bytes(data: Vec<u8>) -> Bytes {
    match (MIN_POOLED..=MAX_POOLED).contains(&data.capacity()) {
        true => Bytes::from_owner(Pooled(data)),
        false => data.into(),
    }
}

/// A payload with a copy of `data`; NO_MEMORY when the system has none.
pub(super) fn copy(data: &[u8]) -> Result<Bytes> {
    let mut buffer = buffer_for(data.len())?;
    buffer.extend_from_slice(data);
    Ok(into_bytes(buffer))
}

/// Payloads up to this many bytes share a piece of memory.
pub(super) const SHORT: usize = 256;
/// The first such piece, which lives as long as any of its payloads; each that follows is twice as long.
const MIN_CHUNK: usize = 256;
const MAX_CHUNK: usize = 4096;
/// Where no more than this is left, no other payload will follow: a frame's head.
const MIN_TAIL: usize = 14;

/// Copies short payloads one behind the other. Belongs to one queue, so that what keeps a piece alive is that queue's.
pub struct PayloadArena {
    chunk: BytesMut,
    next: usize,
}

impl Default for PayloadArena {
    fn default() -> Self {
        Self::about(MIN_CHUNK)
    }
}

impl PayloadArena {
    /// For payloads of so many bytes in all, or more.
    pub fn about(bytes: usize) -> Self {
        Self { chunk: BytesMut::new(), next: bytes.min(MAX_CHUNK) }
    }

    /// A payload with a copy of `data`, which has at most [`SHORT`] bytes; NO_MEMORY when the system has none for one
    /// that is alone.
    pub(super) fn copy(&mut self, data: &[u8]) -> Result<Bytes> {
        if self.chunk.capacity() < data.len() {
            if self.next <= data.len() + MIN_TAIL {
                return copy(data);
            }
            self.chunk = BytesMut::with_capacity(self.next.max(data.len()));
            self.next = (2 * self.next).min(MAX_CHUNK);
        }
        self.chunk.extend_from_slice(data);
        Ok(self.chunk.split().freeze())
    }
}

/// Room for so many more bytes in a buffer of short payloads; NO_MEMORY when the system has none.
pub fn make_room(buffer: &mut BytesMut, more: usize) -> Result<()> {
    if buffer.capacity() - buffer.len() < more {
        let mut larger = memory::room_for((2 * buffer.len()).max(buffer.len() + more).max(MIN_CHUNK))?;
        larger.extend_from_slice(buffer);
        // Without a copy: nobody else has it.
        *buffer = BytesMut::from(Bytes::from(larger));
    }
    Ok(())
}

struct Pooled(Vec<u8>);

impl AsRef<[u8]> for Pooled {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let mut data = std::mem::take(&mut self.0);
        let mut pool = pool();
        if pool.open && pool.bytes + data.capacity() <= MAX_KEPT_BYTES {
            data.clear();
            pool.bytes += data.capacity();
            pool.free.push(data);
        } else {
            // The system's work is done outside of the lock.
            drop(pool);
            drop(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other tests of this process use the pool meanwhile, so what must be seen must be seen once.
    fn seen(mut step: impl FnMut() -> bool) -> bool {
        (0..100).any(|_| step())
    }

    #[test]
    fn memory_is_used_again() {
        assert!(seen(|| {
            open();
            let first = copy(&vec![1; 1_234_567]).unwrap();
            let (place, clone) = (first.as_ptr(), first.clone());
            drop(first);
            assert_eq!(clone[1_234_566], 1);
            drop(clone);
            let second = copy(&vec![2; 1_200_000]).unwrap();
            assert_eq!((second.len(), second[0], second[1_199_999]), (1_200_000, 2, 2));
            second.as_ptr() == place
        }));
    }

    #[test]
    fn short_payloads_share_their_memory_and_nothing_else() {
        let mut arena = PayloadArena::default();
        let data = |at: usize| vec![at as u8; at % (SHORT + 1)];
        let all: Vec<_> = (0..2000).map(|at| arena.copy(&data(at)).unwrap()).collect();
        assert!(all.iter().enumerate().all(|(at, payload)| *payload == data(at)));
        let behind = all.windows(2).filter(|two| two[0].as_ptr().wrapping_add(two[0].len()) == two[1].as_ptr());
        assert!(behind.count() > 1500);
        let few: Vec<_> = all.into_iter().step_by(7).collect();
        assert!(few.iter().enumerate().all(|(at, payload)| *payload == data(7 * at)));
    }

    #[test]
    fn no_more_is_kept_than_allowed_and_nothing_at_the_end() {
        open();
        let many: Vec<_> = (0..10).map(|_| copy(&vec![3; MAX_POOLED]).unwrap()).collect();
        drop(many);
        let (kept, counted) = {
            let pool = pool();
            (pool.free.iter().map(Vec::capacity).sum::<usize>(), pool.bytes)
        };
        assert_eq!(kept, counted);
        assert!(kept <= MAX_KEPT_BYTES);
        assert!(seen(|| {
            close();
            drop(copy(&vec![4; MIN_POOLED]).unwrap());
            let pool = pool();
            !pool.open && pool.free.is_empty() && pool.bytes == 0
        }));
    }
}
