//! Between UTF-16, the host's text, and UTF-8, ours, as fast as memory allows.
//!
//! `encoding_rs` is fast where a text is Latin. Texts of 1C are Cyrillic, or Cyrillic with Latin words and digits, and
//! those it converts letter by letter. So text is taken in blocks: ASCII is widened or narrowed, what `shuffle` can do is
//! left to it, and everything else to `encoding_rs`.

use super::shuffle;
use encoding_rs::mem;

/// Units in a block on their way to UTF-8: what is made of them stays in the nearest cache until it is copied out.
const UNITS: usize = 1024;
/// Bytes in a block on their way to UTF-16.
const BYTES: usize = 4096;
/// The longest UTF-8 of the units, and the little room behind it that the converter wants.
const ROOM: usize = UNITS * 3 + 16;

/// How many bytes a text takes, if it is one.
pub fn utf8_len(text: &[u16]) -> usize {
    // Half of a pair takes two bytes. Summed up in the size of a unit, so that many are looked at at once.
    let more = |unit: u16| u16::from(unit >= 0x80) + u16::from(unit >= 0x800) - u16::from(unit & 0xF800 == 0xD800);
    let count = |sum: u16, &unit: &u16| sum + 1 + more(unit);
    text.chunks(UNITS).map(|piece| usize::from(piece.iter().fold(0, count))).sum()
}

/// UTF-8 of a text, handed to `put` piece by piece.
///
/// # Errors
/// The place of an unpaired surrogate.
pub fn to_utf8(text: &[u16], mut put: impl FnMut(&str)) -> Result<(), usize> {
    let mut block = [0; ROOM];
    let mut at = 0;
    while at < text.len() {
        let mut units = &text[at..text.len().min(at + UNITS)];
        // A pair must not be cut.
        if let [most @ .., 0xD800..0xDC00] = units
            && at + units.len() < text.len()
        {
            units = most;
        }
        let written = match units.iter().fold(0, |all, unit| all | unit) {
            0..0x80 => {
                block.iter_mut().zip(units).for_each(|(byte, &unit)| *byte = unit as u8);
                units.len()
            }
            _ if is_for_shuffle(units) => shuffle::to_utf8(units, &mut block),
            _ => {
                let valid = mem::utf16_valid_up_to(units);
                if valid != units.len() {
                    return Err(at + valid);
                }
                mem::convert_utf16_to_utf8_partial(units, &mut block).1
            }
        };
        at += units.len();
        debug_assert!(std::str::from_utf8(&block[..written]).is_ok());
        // SAFETY: whole characters of valid UTF-8: ASCII, or as both converters promise. Looking at them once more would
        // cost as much as converting them.
        put(unsafe { std::str::from_utf8_unchecked(&block[..written]) });
    }
    Ok(())
}

/// Nothing that is, or could be, half of a character, and few characters of three bytes.
fn is_for_shuffle(units: &[u16]) -> bool {
    // Counted in the size of a unit, so that many are looked at at once; a block has not so many that it would overflow.
    let count = |is: fn(u16) -> bool| units.iter().fold(0_u16, |sum, &unit| sum + u16::from(is(unit)));
    let (long, halves) = (count(|unit| unit >= 0x800), count(|unit| unit & 0xF800 == 0xD800));
    halves == 0 && usize::from(long) <= units.len() / 16 && shuffle::is_there()
}

/// How many units a text takes.
pub fn utf16_len(utf8: &[u8]) -> usize {
    // In pieces whose sum fits a byte, so that many bytes are looked at at once.
    let count = |sum: u8, &byte: &u8| sum + u8::from(byte & 0xC0 != 0x80) + u8::from(byte >= 0xF0);
    utf8.chunks(64).map(|piece| usize::from(piece.iter().fold(0, count))).sum()
}

/// The text in UTF-16, into `out`, which has [`utf16_len`] units; how many were written. `utf8` is valid.
pub fn to_utf16(utf8: &[u8], out: &mut [u16]) -> usize {
    let (mut at, mut done) = (0, 0);
    while at < utf8.len() {
        let mut end = utf8.len().min(at + BYTES);
        // A character must not be cut.
        while end < utf8.len() && utf8[end] & 0xC0 == 0x80 {
            end -= 1;
        }
        let block = &utf8[at..end];
        at = end;
        let out = out.get_mut(done..).unwrap_or_default();
        done += match block.iter().copied().max() {
            None | Some(0..0x80) => {
                out.iter_mut().zip(block).for_each(|(unit, &byte)| *unit = byte.into());
                block.len()
            }
            Some(0x80..0xF0) if shuffle::is_there() => shuffle::to_utf16(block, out),
            Some(_) => others(block, out),
        };
    }
    done
}

/// The converter wants more room than the text takes, which the end of `out` does not have.
fn others(block: &[u8], out: &mut [u16]) -> usize {
    if out.len() > block.len() {
        return mem::convert_utf8_to_utf16(block, out);
    }
    let mut room = [0; BYTES + 1];
    let written = mem::convert_utf8_to_utf16(block, &mut room).min(out.len());
    out[..written].copy_from_slice(&room[..written]);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(text: &[u16]) -> Result<String, usize> {
        let mut out = String::new();
        to_utf8(text, |piece| out.push_str(piece))?;
        assert_eq!(utf8_len(text), out.len());
        Ok(out)
    }

    fn back(utf8: &str) -> Vec<u16> {
        let length = utf16_len(utf8.as_bytes());
        let mut out = vec![0xFFFF; length];
        assert_eq!(to_utf16(utf8.as_bytes(), &mut out), length);
        out
    }

    fn check(text: &str) {
        let units: Vec<u16> = text.encode_utf16().collect();
        assert_eq!(there(&units).as_deref(), Ok(text));
        assert_eq!(back(text), units);
    }

    /// Every alphabet at every place of a block and of a word.
    #[test]
    fn both_ways_give_what_the_standard_library_gives() {
        let pieces = ["a", "я", "№", "😀", "Да, ok. ", "\0", "\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}", "éé"];
        for first in pieces {
            for second in pieces {
                for length in (0..20).chain(1010..1040).chain(4080..4100) {
                    check(&format!("{}{second}", first.repeat(length)));
                    check(&format!("{}{second}{first}{second}", "a".repeat(length)));
                }
            }
        }
        let every: String = (0..=0x10FFFF).filter_map(char::from_u32).collect();
        check(&every);
        // Letters of one and two bytes in every order that a word can have.
        for pattern in 0_u32..1 << 12 {
            let text: String = (0..12).map(|bit| if pattern >> bit & 1 == 0 { 'x' } else { 'ы' }).collect();
            check(&text);
        }
    }

    #[test]
    fn an_unpaired_surrogate_is_found_wherever_it_is() {
        for before in [0, 1, 7, 1022, 1023, 1024, 1025, 2047, 2048, 5000] {
            for bad in [&[0xD800][..], &[0xDC00], &[0xD800, 0xD800, 0xDC00], &[0xDC00, 0xD800, 0xDC00]] {
                let mut text = vec![u16::from(b'a'); before];
                text.extend_from_slice(bad);
                assert_eq!(there(&text), Err(before));
                text.extend([u16::from(b'b'); 2000]);
                assert_eq!(there(&text), Err(before));
            }
        }
    }
}
