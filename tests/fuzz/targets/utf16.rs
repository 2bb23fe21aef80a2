//! UTF-16 of the host and UTF-8 of ours, in blocks of every alignment, against the standard library and `encoding_rs`.

use super::input::Input;
use websocket_addin::native_api::convert;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (times, pad, letter) = (1 + usize::from(input.word()) % 600, usize::from(input.word()) % 5000, input.byte());
    let rest = input.rest();
    // Letters as texts of 1C have them, and now and then anything.
    let unit = |pair: &[u8]| {
        let unit = u16::from_le_bytes([pair[0], pair[1]]);
        match pair[1] % 8 {
            0..=3 => unit & 0x7f,
            4 | 5 => 0x400 | unit & 0xff,
            _ => unit,
        }
    };
    let piece: Vec<u16> = rest.chunks_exact(2).map(unit).collect();
    let mut text = vec![if letter.is_multiple_of(2) { 'a' as u16 } else { 'ж' as u16 }; pad];
    text.extend(piece.iter().copied().cycle().take((piece.len() * times).min(20_000)));
    from_utf16(&text);
    from_utf8(&String::from_utf8_lossy(rest).repeat(times.min(40)));
}

fn from_utf16(text: &[u16]) {
    let mut out = String::new();
    let done = convert::to_utf8(text, |piece| out.push_str(piece));
    match String::from_utf16(text) {
        Ok(expected) => {
            assert_eq!(done, Ok(()));
            assert_eq!(out, expected);
            assert_eq!(convert::utf8_len(text), expected.len());
            from_utf8(&expected);
        }
        Err(_) => assert_eq!(done, Err(encoding_rs::mem::utf16_valid_up_to(text))),
    }
}

fn from_utf8(text: &str) {
    const GUARD: u16 = 0xEEEE;
    let units = convert::utf16_len(text.as_bytes());
    let mut back = vec![GUARD; units + 3];
    assert_eq!(convert::to_utf16(text.as_bytes(), &mut back[..units]), units);
    let mut expected = vec![0; text.len() + 1];
    let length = encoding_rs::mem::convert_str_to_utf16(text, &mut expected);
    assert_eq!(back[..units], expected[..length]);
    assert_eq!(back[units..], [GUARD; 3], "it wrote behind the end");
}
