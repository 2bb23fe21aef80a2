//! UTF-16, the host's text, and UTF-8, ours.

use super::convert;
use super::place::Place;
use crate::error::{Error, Id, Result};

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
pub(super) fn to_utf8(text: &[u16], place: Place) -> Result<String> {
    let mut bytes = String::new();
    // Looking how much it takes costs less than memory that grows or that is never used.
    bytes.try_reserve_exact(convert::utf8_len(text)).map_err(|_| Error::of(Id::NoMemory))?;
    convert::to_utf8(text, |piece| bytes.push_str(piece))
        .map_err(|at| Error::new(Id::BadUtf16, [place.name(), at.into()]))?;
    Ok(bytes)
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
    fn text_becomes_utf8_of_the_exact_size() {
        let place = Place::Parameter { en: "Data", ru: "Данные" };
        for text in ["", "a", "ase1ЙЦУ", "€ и 😀", "a\0b", &"ж😀z".repeat(5000), &"ab ж".repeat(900)] {
            let converted = to_utf8(&units(text), place).unwrap();
            assert_eq!(converted, text);
            assert_eq!(converted.capacity(), text.len());
        }
        for bad in [&[0xD800][..], &[u16::from(b'a'), 0xDC00, u16::from(b'b')], &[0xD83D, 0xD83D, 0xDE00]] {
            assert_eq!(to_utf8(bad, place).unwrap_err().root(), Id::BadUtf16);
        }
    }
}
