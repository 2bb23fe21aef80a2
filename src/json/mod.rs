//! What is asked of JSON that is not ours: one field of the top level, and whether two values are equal.
//!
//! Nothing is built of the data, however large or deep it is: [`Scan`] walks through it once, in steps as long as the
//! caller likes, and knows but its place, its depth and where the field's value lies. A peer's text only has to be an
//! object whose brackets and quotes close; what is inside other fields (`NaN`, `1e999`, lone surrogates, bytes that are
//! no UTF-8) is the reader's business. Where a key comes twice the last one counts, as in JavaScript's `JSON.parse`. A
//! byte order mark in front is passed over.
//!
//! A host's own text is to be well-formed to the letter (RFC 8259), see [`check`], and leaves as it came.

mod scalar;
mod scan;
#[cfg(test)]
mod tests;

pub use scalar::Scalar;
pub use scan::{Scan, Step};
use serde_json::value::RawValue;
use std::ops::Range;

/// Where a text stops being JSON, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    /// In characters.
    pub column: usize,
}

/// Whether `text` is one well-formed JSON value. Linear, and one byte of memory for each level of its depth.
pub fn check(text: &str) -> Result<(), Place> {
    let Err(error) = serde_json::from_str::<&RawValue>(text) else { return Ok(()) };
    let line = error.line().max(1);
    let bytes = text.split('\n').nth(line - 1).unwrap_or_default().as_bytes();
    // Its columns are bytes, up to the one that does not fit and that one included.
    let before = &bytes[..error.column().saturating_sub(1).min(bytes.len())];
    Err(Place { line, column: before.iter().filter(|byte| **byte & 0xc0 != 0x80).count() + 1 })
}

/// Where the value of `field` lies in an object, at one go.
pub fn find(data: &[u8], field: &str) -> Option<Range<usize>> {
    match Scan::default().go_on(data, field, usize::MAX) {
        Step::Done(found) => found,
        Step::More => None,
    }
}

/// Puts a field in front of all others of `object`, which [`check`] has found to be one; all else stays as it is. `None`
/// when there is no memory for it.
pub fn with_field(object: &str, field: &str, value: &str) -> Option<Vec<u8>> {
    let (head, rest) = object.split_at(object.find('{')? + 1);
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    let name = serde_json::to_string(field).ok()?;
    let mut out = Vec::new();
    out.try_reserve_exact(object.len() + name.len() + value.len() + 2).ok()?;
    for part in [head, &name, ":", value, comma, rest] {
        out.extend_from_slice(part.as_bytes());
    }
    Some(out)
}
