//! RESP2, the broker's protocol, without sockets: bytes in, values out, wherever they are cut.
//!
//! Whatever answers at the broker's port may be anybody, so everything is bounded: the depth of arrays, the length of a
//! line, of a string and of an array, and the memory of one reply. Room is taken as bytes come, not as they are announced.

mod decoder;
#[cfg(test)]
mod tests;

pub use decoder::Decoder;

/// What the broker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `+OK`.
    Simple(Vec<u8>),
    /// `-ERR …`.
    Error(Vec<u8>),
    Integer(i64),
    Bulk(Vec<u8>),
    Array(Vec<Value>),
    /// A string or an array that is not there.
    Nil,
}

impl Value {
    /// The bytes of a string, simple or not.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Simple(bytes) | Value::Bulk(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// An integer, also one that is written as a string, as fields of hashes are.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Value::Integer(number) => Some(*number),
            Value::Bulk(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        }
    }

    pub fn array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }
}

/// Why what came cannot be read; the connection is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not RESP2.
    Malformed,
    /// It passes one of the bounds.
    TooBig,
    /// The system has no memory for it.
    NoMemory,
}

/// What a reply may be at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Arrays in arrays.
    pub depth: usize,
    /// Bytes of a line: a simple string, an error, a length.
    pub line: usize,
    /// Bytes of a string.
    pub bulk: usize,
    /// Items of an array.
    pub array: usize,
    /// Bytes of memory that one whole reply takes.
    pub reply: usize,
}

/// A message has 16 MiB at most, a reply brings 256 KiB of them and one more, or 64 entries of the log.
impl Default for Bounds {
    fn default() -> Self {
        Self { depth: 8, line: 64 << 10, bulk: 64 << 20, array: 1 << 20, reply: 128 << 20 }
    }
}

/// Appends a command, as an array of strings.
///
/// # Errors
/// `NoMemory`: the system has none for it; `out` stays as it was.
pub fn command(out: &mut Vec<u8>, words: &[&[u8]]) -> Result<(), Fault> {
    // The longest length has 20 digits.
    let size = words.iter().fold(32usize, |size, word| size.saturating_add(word.len()).saturating_add(32));
    out.try_reserve(size).map_err(|_| Fault::NoMemory)?;
    head(out, b'*', words.len());
    for word in words {
        head(out, b'$', word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    Ok(())
}

/// Room has been made.
fn head(out: &mut Vec<u8>, kind: u8, length: usize) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), length);
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.push(kind);
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}
