//! UTF-16, the host's text, and UTF-8, ours.

use super::convert;
use crate::error::{Arg, Error, Id, Result};

/// Whether two names are one: 1C identifiers ignore case in both alphabets; й and и, ё and е are different letters.
pub(super) fn same_name(name: &str, wanted: &[u16]) -> bool {
    let mut wanted = char::decode_utf16(wanted.iter().copied()).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    let mut name = name.chars();
    loop {
        match (name.next(), wanted.next()) {
            (None, None) => return true,
            (Some(ours), Some(theirs)) if fold(ours) == fold(theirs) => {}
            _ => return false,
        }
    }
}

/// The lower case of a letter where that is one letter, as in both our alphabets. Allocates nothing.
fn fold(letter: char) -> char {
    match letter {
        '\0'..='\x7f' => return letter.to_ascii_lowercase(),
        // Most letters of most names; the tables of all alphabets are slow.
        'а'..='я' | 'ё' => return letter,
        'А'..='Я' => return char::from_u32(u32::from(letter) + 0x20).unwrap_or(letter),
        _ => {}
    }
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

/// The host's text in UTF-8. An unpaired surrogate is refused.
pub(super) fn to_utf8(text: &[u16], parameter: &Arg) -> Result<String> {
    let no_memory = |_| Error::of(Id::NoMemory);
    let mut bytes = String::new();
    let in_one = text.len() <= convert::UNITS;
    if !in_one {
        // Enough for Latin. A Cyrillic text needs twice as much, and a large piece of memory grows without being copied.
        bytes.try_reserve_exact(text.len()).map_err(no_memory)?;
    }
    let unpaired = |at: usize| Error::new(Id::BadUtf16, [parameter.clone(), at.into()]);
    convert::to_utf8(text, unpaired, |piece| {
        let reserved = if in_one { bytes.try_reserve_exact(piece.len()) } else { bytes.try_reserve(piece.len()) };
        reserved.map_err(no_memory)?;
        bytes.push_str(piece);
        Ok(())
    })?;
    // What waits in a queue is counted by its length.
    if bytes.capacity() > bytes.len() + bytes.len() / 4 {
        bytes.shrink_to_fit();
    }
    Ok(bytes)
}

/// Our text in the host's form, with a NUL at the end.
pub(super) fn to_utf16(text: &str) -> Vec<u16> {
    let mut units: Vec<u16> = text.encode_utf16().collect();
    units.push(0);
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn names_ignore_case_in_both_alphabets() {
        for wanted in ["Принять", "ПРИНЯТЬ", "принять", "пРиНяТь"] {
            assert!(same_name("Принять", &units(wanted)), "{wanted}");
        }
        assert!(same_name("ReceiveEvent", &units("RECEIVEevent")));
        for wanted in ["Принят", "Приняться", "Прииять", "Приньять", ""] {
            assert!(!same_name("Принять", &units(wanted)), "{wanted}");
        }
        assert!(!same_name("СостояниеСоединения", &units("СостояниеСоединёния")));
        assert!(!same_name("x", &[0xD800]));
    }

    #[test]
    fn text_becomes_utf8_without_waste() {
        let arg = Arg::from("Данные");
        for text in ["", "a", "ase1ЙЦУ", "€ и 😀", "a\0b", &"ж😀z".repeat(5000), &"ab ж".repeat(900)] {
            let converted = to_utf8(&units(text), &arg).unwrap();
            assert_eq!(converted, text);
            assert!(converted.capacity() <= text.len() + text.len() / 4, "{} for {}", converted.capacity(), text.len());
        }
        for bad in [&[0xD800][..], &[u16::from(b'a'), 0xDC00, u16::from(b'b')], &[0xD83D, 0xD83D, 0xDE00]] {
            assert_eq!(to_utf8(bad, &arg).unwrap_err().root(), Id::BadUtf16);
        }
    }
}
