//! Characters of one to three bytes between UTF-16 and UTF-8, eight at a time and without a branch for each: what each
//! would become is made side by side, and one shuffle, looked up by which are long, moves it together.

/// For each set of lanes of two bytes, the places of their bytes moved together; the rest does not matter. `short` is
/// how many bytes of a lane stay that is not in the set.
const fn places(short: u8) -> [[u8; 16]; 256] {
    let mut table = [[0; 16]; 256];
    let mut set = 0;
    while set < 256 {
        let (mut lane, mut at) = (0, 0);
        while lane < 8 {
            let stay = if set >> lane & 1 == 1 { 2 } else { short };
            let mut byte = 0;
            while byte < stay {
                table[set][at] = 2 * lane + byte;
                at += 1;
                byte += 1;
            }
            lane += 1;
        }
        set += 1;
    }
    table
}

/// The set is the long ones; the others keep their first byte.
static LONG: [[u8; 16]; 256] = places(1);
/// The set is those that stay.
static STAY: [[u8; 16]; 256] = places(0);

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod kernel {
    #[cfg(target_arch = "x86")]
    use std::arch::x86::*;
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::*;

    pub fn is_there() -> bool {
        std::arch::is_x86_feature_detected!("ssse3")
    }

    #[inline]
    #[target_feature(enable = "ssse3")]
    fn load<T>(from: &[T]) -> __m128i {
        debug_assert!(size_of_val(from) >= 16);
        // SAFETY: see the callers: sixteen readable bytes, and any address will do.
        unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
    }

    /// One bit a lane whose bits are all set.
    #[inline]
    #[target_feature(enable = "ssse3")]
    fn set_of(lanes: __m128i) -> usize {
        _mm_movemask_epi8(_mm_packs_epi16(lanes, _mm_setzero_si128())) as usize
    }

    /// How many bytes; none when a character needs more than two.
    #[inline]
    #[target_feature(enable = "ssse3")]
    pub fn encode(units: &[u16; 8], out: &mut [u8; 16]) -> usize {
        let unit = load(units);
        let high = _mm_and_si128(unit, _mm_set1_epi16(0xF800_u16.cast_signed()));
        if _mm_movemask_epi8(_mm_cmpeq_epi16(high, _mm_setzero_si128())) != 0xFFFF {
            return 0;
        }
        let first = _mm_or_si128(_mm_srli_epi16::<6>(unit), _mm_set1_epi16(0xC0));
        let second =
            _mm_or_si128(_mm_slli_epi16::<8>(_mm_and_si128(unit, _mm_set1_epi16(0x3F))), _mm_set1_epi16(i16::MIN));
        let long = _mm_cmpgt_epi16(unit, _mm_set1_epi16(0x7F));
        let pairs = _mm_or_si128(first, second);
        let bytes = _mm_or_si128(_mm_and_si128(long, pairs), _mm_andnot_si128(long, unit));
        let set = set_of(long);
        let bytes = _mm_shuffle_epi8(bytes, load(&super::LONG[set]));
        // SAFETY: sixteen bytes, at any address.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), bytes) };
        8 + set.count_ones() as usize
    }

    #[inline]
    #[target_feature(enable = "ssse3")]
    pub fn decode(bytes: &[u8; 16], out: &mut [u16; 8]) -> usize {
        let (all, zero) = (load(bytes), _mm_setzero_si128());
        let one = _mm_unpacklo_epi8(all, zero);
        let two = _mm_and_si128(_mm_unpacklo_epi8(_mm_srli_si128::<1>(all), zero), _mm_set1_epi16(0x3F));
        let three = _mm_and_si128(_mm_unpacklo_epi8(_mm_srli_si128::<2>(all), zero), _mm_set1_epi16(0x3F));
        let of_two = _mm_or_si128(_mm_slli_epi16::<6>(_mm_and_si128(one, _mm_set1_epi16(0x1F))), two);
        let of_three = _mm_or_si128(_mm_or_si128(_mm_slli_epi16::<12>(one), _mm_slli_epi16::<6>(two)), three);
        let (is_long, is_longest) =
            (_mm_cmpgt_epi16(one, _mm_set1_epi16(0xBF)), _mm_cmpgt_epi16(one, _mm_set1_epi16(0xDF)));
        let unit = _mm_or_si128(_mm_and_si128(is_long, of_two), _mm_andnot_si128(is_long, one));
        let unit = _mm_or_si128(_mm_and_si128(is_longest, of_three), _mm_andnot_si128(is_longest, unit));
        let goes = _mm_cmpeq_epi16(_mm_and_si128(one, _mm_set1_epi16(0xC0)), _mm_set1_epi16(0x80));
        let set = set_of(goes) ^ 0xFF;
        let units = _mm_shuffle_epi8(unit, load(&super::STAY[set]));
        // SAFETY: sixteen bytes, at any address.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), units) };
        set.count_ones() as usize
    }
}

#[cfg(target_arch = "aarch64")]
mod kernel {
    use std::arch::aarch64::*;

    /// Every processor of this kind has what is used here.
    pub fn is_there() -> bool {
        true
    }

    /// One bit a lane whose bits are all set.
    #[inline]
    fn set_of(lanes: uint16x8_t) -> usize {
        const BITS: [u16; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: eight units to read; NEON is part of the architecture.
        unsafe { usize::from(vaddvq_u16(vandq_u16(lanes, vld1q_u16(BITS.as_ptr())))) }
    }

    #[inline]
    pub fn encode(units: &[u16; 8], out: &mut [u8; 16]) -> usize {
        // SAFETY: sixteen bytes to read and to write, each; NEON is part of the architecture.
        unsafe {
            let unit = vld1q_u16(units.as_ptr());
            if vmaxvq_u16(unit) >= 0x800 {
                return 0;
            }
            let first = vorrq_u16(vshrq_n_u16::<6>(unit), vdupq_n_u16(0xC0));
            let second = vorrq_u16(vshlq_n_u16::<8>(vandq_u16(unit, vdupq_n_u16(0x3F))), vdupq_n_u16(0x8000));
            let long = vcgtq_u16(unit, vdupq_n_u16(0x7F));
            let bytes = vreinterpretq_u8_u16(vbslq_u16(long, vorrq_u16(first, second), unit));
            let set = set_of(long);
            vst1q_u8(out.as_mut_ptr(), vqtbl1q_u8(bytes, vld1q_u8(super::LONG[set].as_ptr())));
            8 + set.count_ones() as usize
        }
    }

    #[inline]
    pub fn decode(bytes: &[u8; 16], out: &mut [u16; 8]) -> usize {
        // SAFETY: as above.
        unsafe {
            let (all, zero) = (vld1q_u8(bytes.as_ptr()), vdupq_n_u8(0));
            let one = vmovl_u8(vget_low_u8(all));
            let low = vdupq_n_u16(0x3F);
            let two = vandq_u16(vmovl_u8(vget_low_u8(vextq_u8::<1>(all, zero))), low);
            let three = vandq_u16(vmovl_u8(vget_low_u8(vextq_u8::<2>(all, zero))), low);
            let of_two = vorrq_u16(vshlq_n_u16::<6>(vandq_u16(one, vdupq_n_u16(0x1F))), two);
            let of_three = vorrq_u16(vorrq_u16(vshlq_n_u16::<12>(one), vshlq_n_u16::<6>(two)), three);
            let unit = vbslq_u16(vcgtq_u16(one, vdupq_n_u16(0xBF)), of_two, one);
            let unit = vbslq_u16(vcgtq_u16(one, vdupq_n_u16(0xDF)), of_three, unit);
            let goes = vceqq_u16(vandq_u16(one, vdupq_n_u16(0xC0)), vdupq_n_u16(0x80));
            let set = set_of(goes) ^ 0xFF;
            let units = vqtbl1q_u8(vreinterpretq_u8_u16(unit), vld1q_u8(super::STAY[set].as_ptr()));
            vst1q_u8(out.as_mut_ptr().cast(), units);
            set.count_ones() as usize
        }
    }
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
mod kernel {
    pub fn is_there() -> bool {
        false
    }

    pub fn encode(_: &[u16; 8], _: &mut [u8; 16]) -> usize {
        0
    }

    pub fn decode(_: &[u8; 16], _: &mut [u16; 8]) -> usize {
        0
    }
}

/// Whether this processor has what is needed; without it the functions below must not be called.
pub(super) fn is_there() -> bool {
    kernel::is_there()
}

/// Characters, none of them half of a surrogate pair, into UTF-8; how many bytes. There is room for three bytes each and
/// sixteen more.
pub(super) fn to_utf8(units: &[u16], out: &mut [u8]) -> usize {
    debug_assert!(is_there());
    // SAFETY: the caller has asked `is_there`.
    unsafe { encode(units, out) }
}

/// The same back, from valid UTF-8 of whole characters without any of four bytes; how many units.
pub(super) fn to_utf16(utf8: &[u8], out: &mut [u16]) -> usize {
    debug_assert!(is_there());
    // SAFETY: the caller has asked `is_there`.
    unsafe { decode(utf8, out) }
}

#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "ssse3"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "neon"))]
fn encode(units: &[u16], out: &mut [u8]) -> usize {
    let mut done = 0;
    let (eights, rest) = units.as_chunks::<8>();
    for eight in eights {
        let written = out[done..].first_chunk_mut().map_or(0, |out| kernel::encode(eight, out));
        done += if written > 0 { written } else { one_by_one(eight, &mut out[done..]) };
    }
    done + one_by_one(rest, &mut out[done..])
}

fn one_by_one(units: &[u16], out: &mut [u8]) -> usize {
    units.iter().fold(0, |done, &unit| {
        done + char::from_u32(unit.into()).map_or(0, |letter| letter.encode_utf8(&mut out[done..]).len())
    })
}

#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "ssse3"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "neon"))]
fn decode(utf8: &[u8], out: &mut [u16]) -> usize {
    let (mut at, mut done) = (0, 0);
    // Those that begin among the next eight bytes; they end among the sixteen. A byte inside a character takes no place.
    while let (Some(bytes), Some(out)) = (utf8[at..].first_chunk(), out[done..].first_chunk_mut()) {
        (at, done) = (at + 8, done + kernel::decode(bytes, out));
    }
    while utf8.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
        at += 1;
    }
    let rest = std::str::from_utf8(&utf8[at..]).unwrap_or_default().encode_utf16();
    done + out[done..].iter_mut().zip(rest).map(|(place, unit)| *place = unit).count()
}
