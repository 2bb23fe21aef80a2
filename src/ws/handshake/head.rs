//! Collecting the head of an HTTP message, and reading its headers.

use crate::error::{Error, Id, Result};

/// The bytes of a head as they come in.
///
/// Parsing begins anew each time, so it is tried when the end may be there and else whenever the bytes have doubled:
/// faults show early, and a peer that sends single bytes costs no more than twice the length.
pub(super) struct Collector {
    pub(super) bytes: Vec<u8>,
    tried: usize,
}

impl Collector {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), tried: 0 }
    }

    /// Adds `bytes`; whether parsing is worth trying.
    ///
    /// # Errors
    /// `NoMemory`.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<bool> {
        // An end may begin in what was there: "\n\r\n" has two bytes before its last. Whatever follows "\n\r", the head
        // ends there or is bad, but for empty lines before it.
        let from = self.bytes.len().saturating_sub(2);
        self.bytes.try_reserve(bytes.len()).map_err(|_| Error::of(Id::NoMemory))?;
        self.bytes.extend_from_slice(bytes);
        let fresh = self.bytes.get(from..).unwrap_or_default();
        let end = fresh.windows(2).any(|pair| matches!(pair, [b'\n', b'\r' | b'\n']));
        let worth = end || self.bytes.len() >= self.tried * 2;
        if worth {
            self.tried = self.bytes.len();
        }
        Ok(worth)
    }

    /// Room for every header that the first `limit` bytes can hold, at most `most`.
    pub(super) fn header_count(&self, limit: usize, most: usize) -> usize {
        let head = &self.bytes[..self.bytes.len().min(limit)];
        head.iter().filter(|byte| **byte == b'\n').count().min(most)
    }
}

/// Whether a comma separated list has the entry `token`, in any case.
pub(super) fn has_token(list: &str, token: &str) -> bool {
    crate::options::list(list).any(|entry| entry.eq_ignore_ascii_case(token))
}

/// The names of a list of extensions, without their parameters (section 9.1).
pub(super) fn extension_names(list: &str) -> impl Iterator<Item = &str> {
    crate::options::list(list).map(|entry| entry.split(';').next().unwrap_or_default().trim())
}
