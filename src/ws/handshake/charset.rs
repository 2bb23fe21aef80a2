//! Texts of the encodings in which servers still answer: UTF-8, and those with one byte a character that stand in tables
//! below. A library of all encodings would be a third of this one's size on Windows.

/// The text of a body of that charset, in any case. One that is not known is taken for UTF-8; what cannot be read becomes
/// U+FFFD. `cut`: its end is missing, and half a character there says nothing.
pub(super) fn decode(bytes: &[u8], charset: &str, cut: bool) -> String {
    let found = TABLES.iter().find(|(labels, _)| labels.iter().any(|label| label.eq_ignore_ascii_case(charset)));
    if let Some((_, upper)) = found {
        let upper: Vec<char> = upper.chars().collect();
        let letter = |byte: &u8| match byte.checked_sub(0x80) {
            None => char::from(*byte),
            Some(at) => upper.get(usize::from(at)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        };
        return bytes.iter().map(letter).collect();
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let whole = match std::str::from_utf8(bytes) {
        // Only an end that is missing leaves no length of what is wrong.
        Err(error) if cut && error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    };
    String::from_utf8_lossy(whole).into_owned()
}

/// Labels, and the upper 128 characters.
type Table = (&'static [&'static str], &'static str);

#[rustfmt::skip]
static TABLES: [Table; 4] = [
    (
        &["windows-1251", "cp1251", "win-1251"],
        "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{fffd}™љ›њќћџ\
         \u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕї\
         АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ\
         абвгдежзийклмнопрстуфхцчшщъыьэюя",
    ),
    (
        &["iso-8859-1", "latin1", "us-ascii", "ascii", "windows-1252"],
        "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ\
         \u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿\
         ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß\
         àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ",
    ),
    (
        &["koi8-r"],
        "─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■∙√≈≤≥\u{a0}⌡°²·÷\
         ═║╒ё╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡Ё╢╣╤╥╦╧╨╩╪╫╬©\
         юабцдефгхийклмнопярстужвьызшэщчъ\
         ЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ",
    ),
    (
        &["ibm866", "cp866"],
        "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ\
         абвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
         └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
         рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√№¤■\u{a0}",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_whole() {
        for (labels, upper) in &TABLES {
            assert_eq!(upper.chars().count(), 128, "{labels:?}");
        }
    }

    #[test]
    fn texts_are_read() {
        for (charset, bytes, text) in [
            ("utf-8", "\u{feff}Нет".as_bytes(), "Нет"),
            ("unheard-of", "Нет".as_bytes(), "Нет"),
            ("", b"a\xffb", "a\u{fffd}b"),
            ("Windows-1251", b"\xcd\xe5\xf2 \xb9", "Нет №"),
            ("koi8-r", b"\xee\xc5\xd4", "Нет"),
            ("CP866", b"\x8d\xa5\xe2", "Нет"),
            ("ISO-8859-1", b"caf\xe9", "café"),
        ] {
            assert_eq!(decode(bytes, charset, false), text, "{charset}");
        }
        let half = &"Нет".as_bytes()[..5];
        assert_eq!(decode(half, "utf-8", true), "Не");
        assert_eq!(decode(half, "utf-8", false), "Не\u{fffd}");
    }
}
