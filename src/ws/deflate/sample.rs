//! Whether a long message is worth compressing: a look at a few places of it, some 50 µs, where compressing what does
//! not shrink takes 20 ms a MiB.

/// Places looked at, evenly spread.
const PLACES: usize = 4;
/// Bytes looked at in each, at most, and at least an eighth of the message in all.
const PLACE: usize = 8 * 1024;
/// Bits a byte beyond which bytes by themselves do not shrink: pictures, archives and ciphers have more than 7.9, base64
/// has 6, text 5.
const DENSE: f64 = 7.6;
/// Of so many positions one that repeats an earlier one is enough: of noise hardly any does.
const RARE: usize = 16;
/// Places of the table of earlier positions.
const TABLE_BITS: u32 = 12;

/// Whether one of the places shrinks, as far as can be seen there.
pub(super) fn seems_to_shrink(data: &[u8]) -> bool {
    let size = (data.len() / 8).clamp(1, PLACE);
    let last = data.len().saturating_sub(size);
    (0..PLACES).any(|place| {
        let start = last / (PLACES - 1) * place;
        let place = data.get(start..start + size).unwrap_or(data);
        bits_a_byte(place) < DENSE || repeats(place)
    })
}

/// What a byte takes when each is coded by how often it occurs.
fn bits_a_byte(place: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in place {
        counts[usize::from(*byte)] += 1;
    }
    let total = place.len() as f64;
    let bits = |count: &u32| f64::from(*count) * (total / f64::from(*count)).log2();
    counts.iter().filter(|count| **count > 0).map(bits).sum::<f64>() / total
}

/// Whether four bytes in a row are often those of an earlier position.
fn repeats(place: &[u8]) -> bool {
    let mut latest = [0_u16; 1 << TABLE_BITS];
    let mut found = 0;
    for (at, four) in place.windows(4).enumerate() {
        let four = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        let slot = &mut latest[(four.wrapping_mul(2_654_435_761) >> (32 - TABLE_BITS)) as usize];
        let earlier = usize::from(*slot);
        found += usize::from(earlier < at && place.get(earlier..earlier + 4) == place.get(at..at + 4));
        // At most 8 KiB.
        *slot = at as u16;
    }
    found > place.len() / RARE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(size: usize) -> Vec<u8> {
        let mut state = 88_172_645_463_325_252_u64;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        std::iter::repeat_with(next).take(size).collect()
    }

    #[test]
    fn noise_is_told_from_what_shrinks() {
        for size in [16 * 1024 + 1, 100_000, 3 << 20] {
            let dense = noise(size);
            assert!(!seems_to_shrink(&dense), "{size}");
            let few: Vec<u8> = dense.iter().map(|byte| byte & 0x3f).collect();
            assert!(seems_to_shrink(&few), "as base64 has it: {size}");
            assert!(seems_to_shrink(&dense[..1000].repeat(size / 1000)), "it repeats itself: {size}");
            assert!(seems_to_shrink("число 1234; ".repeat(size / 12).as_bytes()));
            let mut end = dense.clone();
            let start = size - size / 8;
            end[start..].fill(b' ');
            assert!(seems_to_shrink(&end), "its end shrinks: {size}");
        }
    }
}
