//! Masking, RFC 6455 section 5.3: XOR with a four-byte key, the same operation both ways.

/// Applies `key` to `data`, whose first byte meets the key's first byte, in words that the compiler makes vectors of.
pub(super) fn apply(data: &mut [u8], key: [u8; 4]) {
    // A peer that masks with zeros is within its rights, and costs nothing.
    if key == [0; 4] {
        return;
    }
    // The same bytes twice, in whatever order this machine has them.
    let wide = u64::from(u32::from_ne_bytes(key)) * 0x1_0000_0001;
    // Several vectors at a time first: fewer instructions for each than one by one.
    let (blocks, rest) = data.as_chunks_mut::<64>();
    for block in blocks {
        apply_words(block.as_chunks_mut().0, wide);
    }
    let (words, rest) = rest.as_chunks_mut();
    apply_words(words, wide);
    for (byte, key) in rest.iter_mut().zip(wide.to_ne_bytes()) {
        *byte ^= key;
    }
}

#[inline(always)]
fn apply_words(words: &mut [[u8; 8]], wide: u64) {
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
}

/// The key as the byte `offset` bytes into the frame's payload meets it.
pub(super) fn at_offset(mut key: [u8; 4], offset: usize) -> [u8; 4] {
    key.rotate_left(offset % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_naive_loop_at_every_length_alignment_and_offset() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let original: Vec<u8> = (0..90).map(|at: u8| at.wrapping_mul(37)).collect();
        for start in 0..9 {
            for end in start..original.len() {
                for offset in 0..6 {
                    let mut data = original.clone();
                    apply(&mut data[start..end], at_offset(key, offset));
                    let naive = |(at, byte): (usize, &u8)| match (start..end).contains(&at) {
                        true => byte ^ key[(at - start + offset) % 4],
                        false => *byte,
                    };
                    assert_eq!(data, original.iter().enumerate().map(naive).collect::<Vec<_>>());
                }
            }
        }
    }
}
