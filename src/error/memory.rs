//! Memory for what grows with a peer's or the host's data, which the system may refuse: NO_MEMORY then, where the
//! standard library would end the process.

use super::{Error, Id, Result};

/// An empty list with places for `count` items.
///
/// # Errors
/// `NoMemory`: the system has none for so many.
pub fn room_for<T>(count: usize) -> Result<Vec<T>> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| Error::of(Id::NoMemory))?;
    Ok(list)
}

/// What an iterator of `count` items or fewer gives.
///
/// # Errors
/// `NoMemory`: the system has none for so many.
pub fn collect<T>(count: usize, items: impl Iterator<Item = T>) -> Result<Vec<T>> {
    let mut all = room_for(count)?;
    // Never more than there is room for.
    all.extend(items.take(count));
    Ok(all)
}

/// A copy of a text.
///
/// # Errors
/// `NoMemory`: the system has none for it.
pub fn copy(text: &str) -> Result<String> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len()).map_err(|_| Error::of(Id::NoMemory))?;
    copy.push_str(text);
    Ok(copy)
}

/// A text that is put together of many pieces.
#[derive(Default)]
pub struct Text(String);

impl Text {
    /// Adds a piece.
    ///
    /// # Errors
    /// `NoMemory`: the system has none for it; what was there stays.
    pub fn push(&mut self, piece: &str) -> Result<()> {
        self.0.try_reserve(piece.len()).map_err(|_| Error::of(Id::NoMemory))?;
        self.0.push_str(piece);
        Ok(())
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// Room for so many more.
///
/// # Errors
/// `NoMemory`: the system has none for it.
pub fn reserve<T>(all: &mut Vec<T>, more: usize) -> Result<()> {
    all.try_reserve_exact(more).map_err(|_| Error::of(Id::NoMemory))
}

/// For what writes pieces of UTF-8.
impl std::io::Write for Text {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        let piece = std::str::from_utf8(piece).map_err(|_| std::io::ErrorKind::InvalidData)?;
        self.push(piece).map_err(|_| std::io::ErrorKind::OutOfMemory)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A value as JSON.
///
/// # Errors
/// `NoMemory`: the system has none for the text.
pub fn json(value: &serde_json::Value) -> Result<String> {
    let mut text = Text::default();
    // What is written is UTF-8, and nothing else can fail.
    serde_json::to_writer(&mut text, value).map_err(|_| Error::of(Id::NoMemory))?;
    Ok(text.into_string())
}
