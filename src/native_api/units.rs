//! A text for the host that is as long as a message, or several times as long: made in the host's form at once, and in
//! memory that may be refused.

use super::convert;
use crate::error::{Error, Id, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::io;

/// Bytes that are put into base64 at a time: whole groups of three, so that nothing is padded but the end.
const GROUPS: usize = 3 * 1024;

/// See the module's page.
#[derive(Default)]
pub(super) struct Units(Vec<u16>);

impl Units {
    /// With room for so many units and a NUL.
    pub fn room_for(units: usize) -> Result<Self> {
        let mut new = Self::default();
        new.0.try_reserve_exact(units.saturating_add(1)).map_err(|_| Error::of(Id::NoMemory))?;
        Ok(new)
    }

    /// A whole text.
    pub fn of(text: &str) -> Result<Vec<u16>> {
        let mut units = Self::room_for(convert::utf16_len(text.as_bytes()))?;
        units.text(text.as_bytes())?;
        units.finish()
    }

    /// So many more units, all 0 until they are written.
    fn more(&mut self, count: usize) -> Result<&mut [u16]> {
        self.0.try_reserve(count).map_err(|_| Error::of(Id::NoMemory))?;
        let before = self.0.len();
        self.0.resize(before + count, 0);
        Ok(&mut self.0[before..])
    }

    /// Adds a text, which is valid UTF-8.
    pub fn text(&mut self, utf8: &[u8]) -> Result<()> {
        let room = self.more(convert::utf16_len(utf8))?;
        convert::to_utf16(utf8, room);
        Ok(())
    }

    /// Adds a text as a string of JSON.
    pub fn quoted(&mut self, text: &str) -> Result<()> {
        serde_json::to_writer(&mut *self, text).map_err(|_| Error::of(Id::NoMemory))
    }

    /// Adds bytes as base64.
    pub fn base64(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.try_reserve(Self::base64_len(bytes.len())).map_err(|_| Error::of(Id::NoMemory))?;
        let mut block = [0; GROUPS / 3 * 4];
        for piece in bytes.chunks(GROUPS) {
            let written = BASE64.encode_slice(piece, &mut block).map_err(|_| Error::of(Id::NoMemory))?;
            self.text(&block[..written])?;
        }
        Ok(())
    }

    /// How many units so many bytes take as base64.
    pub fn base64_len(bytes: usize) -> usize {
        bytes.div_ceil(3).saturating_mul(4)
    }

    /// With the NUL at the end that the host looks for.
    pub fn finish(mut self) -> Result<Vec<u16>> {
        self.more(1)?;
        Ok(self.0)
    }
}

/// For a caller that writes whole characters.
impl io::Write for Units {
    fn write(&mut self, utf8: &[u8]) -> io::Result<usize> {
        self.text(utf8).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(utf8.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(units: Units) -> String {
        let units = units.finish().unwrap();
        assert_eq!(units.last(), Some(&0));
        String::from_utf16(&units[..units.len() - 1]).unwrap()
    }

    #[test]
    fn pieces_make_the_text_that_the_libraries_make() {
        for length in (0..10).chain([GROUPS - 1, GROUPS, GROUPS + 1, 3 * GROUPS + 2]) {
            let bytes: Vec<u8> = (0..length).map(|at| (at * 7) as u8).collect();
            let mut units = Units::room_for(Units::base64_len(length)).unwrap();
            let room = units.0.capacity();
            units.base64(&bytes).unwrap();
            assert_eq!(units.0.len(), Units::base64_len(length));
            assert_eq!(text(units), BASE64.encode(&bytes));
            assert_eq!(room, Units::base64_len(length) + 1);
        }
        for string in ["", "ok", "\"кавычки\" \\ \u{1}\n\0\u{7f}", "€😀".repeat(5000).as_str()] {
            let mut units = Units::default();
            units.quoted(string).unwrap();
            assert_eq!(text(units), serde_json::to_string(string).unwrap());
        }
        assert_eq!(Units::of("ж😀").unwrap(), [0x436, 0xD83D, 0xDE00, 0]);
    }

    #[test]
    fn what_no_memory_can_hold_is_an_error() {
        assert_eq!(Units::room_for(usize::MAX).err().map(|error| error.root()), Some(Id::NoMemory));
        assert_eq!(Units::room_for(usize::MAX / 4).err().map(|error| error.root()), Some(Id::NoMemory));
    }
}
