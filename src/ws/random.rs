//! Unpredictable bytes for masking keys and the handshake's nonce.
//!
//! Straight from the system, in blocks. A thread-local generator would keep the library mapped until the thread that
//! touched it ends, so there is none.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;

/// Bytes fetched at once: 64 keys, so that the system call costs little a frame.
const BLOCK: usize = 256;

/// Masking keys, RFC 6455 section 5.3: fresh and unpredictable for each frame. Fetches nothing before the first use.
pub struct MaskKeys {
    block: [u8; BLOCK],
    used: usize,
}

impl MaskKeys {
    pub fn new() -> Self {
        Self { block: [0; BLOCK], used: BLOCK }
    }

    /// The next key. Never fails: without the system's randomness it falls back to a hash of the clock.
    #[expect(clippy::should_implement_trait, reason = "keys never end, so there is no Option to give")]
    pub fn next(&mut self) -> [u8; 4] {
        if self.used >= BLOCK {
            fill(&mut self.block);
            self.used = 0;
        }
        let key = self.block.as_chunks().0[self.used / 4];
        self.used += 4;
        key
    }
}

impl Default for MaskKeys {
    fn default() -> Self {
        Self::new()
    }
}

/// Any number.
pub fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}

/// Fills `out` with random bytes of the system.
pub(super) fn fill(out: &mut [u8]) {
    // The call fails only where the system has no source at all; it is asked again because an early failure may pass.
    if (0..3).any(|_| getrandom::fill(out).is_ok()) {
        return;
    }
    fill_from_clock(out);
}

/// The last resort. Masks protect proxies from chosen bytes (RFC 6455 section 10.3), not secrets: a hash of clock,
/// counter and stack address still is nothing that a script's data can aim at, which a constant key would be.
fn fill_from_clock(out: &mut [u8]) {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    for chunk in out.chunks_mut(8) {
        let mut hasher = DefaultHasher::new();
        SystemTime::now().hash(&mut hasher);
        COUNTER.fetch_add(1, Relaxed).hash(&mut hasher);
        (&raw const hasher).addr().hash(&mut hasher);
        for (byte, random) in chunk.iter_mut().zip(hasher.finish().to_ne_bytes()) {
            *byte = random;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_differ_across_blocks() {
        let mut keys = MaskKeys::new();
        let seen: HashSet<_> = (0..1000).map(|_| keys.next()).collect();
        // The birthday bound for 1000 of 2^32 is one in ten thousand; two collisions do not happen.
        assert!(seen.len() >= 998);
    }

    #[test]
    fn the_last_resort_is_neither_zero_nor_constant() {
        let (mut first, mut second) = ([0; 20], [0; 20]);
        fill_from_clock(&mut first);
        fill_from_clock(&mut second);
        assert_ne!(first, second);
        assert_ne!(first, [0; 20]);
    }
}
