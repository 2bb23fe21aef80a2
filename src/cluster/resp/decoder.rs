//! The reading side. It remembers where it is: no byte is looked at twice, however a reply is cut.

use super::{Bounds, Fault, Value};
use std::mem;

/// Reads one reply after the other.
#[derive(Default)]
pub struct Decoder {
    bounds: Bounds,
    /// The line that is being read, without its end.
    line: Vec<u8>,
    /// The string that is being read.
    bulk: Option<Bulk>,
    /// The arrays that are being read, the outermost first.
    arrays: Vec<Array>,
    /// Bytes of memory of the reply so far.
    spent: usize,
    fault: Option<Fault>,
}

struct Bulk {
    bytes: Vec<u8>,
    /// What is to come, its end of line among it.
    left: usize,
}

struct Array {
    items: Vec<Value>,
    left: usize,
}

const END: &[u8] = b"\r\n";

/// The items of an array that room is made for at once.
const AT_ONCE: usize = 64;

impl Decoder {
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Takes from the front of `bytes` until a reply is whole. `None`: all was taken, and more is to come.
    ///
    /// # Errors
    /// What came cannot be read. It stays so for good.
    pub fn read(&mut self, bytes: &mut &[u8]) -> Result<Option<Value>, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.take(bytes).inspect_err(|fault| {
            *self = Self { fault: Some(*fault), ..Self::new(self.bounds) };
        })
    }

    fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Value>, Fault> {
        while !bytes.is_empty() {
            let value = match self.bulk.take() {
                Some(bulk) => self.take_bulk(bulk, bytes)?,
                None => match self.take_line(bytes)? {
                    Some(line) => self.begin(&line)?,
                    None => None,
                },
            };
            if let Some(whole) = value.map(|value| self.put(value)).transpose()?.flatten() {
                self.spent = 0;
                return Ok(Some(whole));
            }
        }
        Ok(None)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        self.spent = self.spent.saturating_add(bytes);
        if self.spent > self.bounds.reply { Err(Fault::TooBig) } else { Ok(()) }
    }

    /// A line without its end, once it is whole.
    fn take_line(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (piece, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        *bytes = rest;
        // What cannot become a line is refused as soon as it is seen.
        if !self.line.first().or(piece.first()).is_some_and(|kind| b"+-:$*".contains(kind)) {
            return Err(Fault::Malformed);
        }
        if self.line.len() + piece.len() > self.bounds.line.saturating_add(END.len()) {
            return Err(Fault::TooBig);
        }
        self.line.try_reserve(piece.len()).map_err(|_| Fault::NoMemory)?;
        self.line.extend_from_slice(piece);
        if end.is_none() {
            return Ok(None);
        }
        let mut line = mem::take(&mut self.line);
        if !line.ends_with(END) {
            return Err(Fault::Malformed);
        }
        line.truncate(line.len() - END.len());
        if line.contains(&b'\r') { Err(Fault::Malformed) } else { Ok(Some(line)) }
    }

    /// What a line says: a value, or the beginning of one.
    fn begin(&mut self, line: &[u8]) -> Result<Option<Value>, Fault> {
        let (kind, rest) = line.split_first().ok_or(Fault::Malformed)?;
        Ok(Some(match kind {
            b'+' => Value::Simple(self.kept(rest)?),
            b'-' => Value::Error(self.kept(rest)?),
            b':' => Value::Integer(number(rest)?),
            b'$' => match self.length(rest, self.bounds.bulk)? {
                None => Value::Nil,
                Some(length) => {
                    self.spend(length)?;
                    self.bulk = Some(Bulk { bytes: Vec::new(), left: length + END.len() });
                    return Ok(None);
                }
            },
            b'*' => match self.length(rest, self.bounds.array)? {
                None => Value::Nil,
                Some(0) => Value::Array(Vec::new()),
                Some(_) if self.arrays.len() >= self.bounds.depth => return Err(Fault::TooBig),
                Some(left) => {
                    self.arrays.try_reserve(1).map_err(|_| Fault::NoMemory)?;
                    self.arrays.push(Array { items: Vec::new(), left });
                    return Ok(None);
                }
            },
            _ => return Err(Fault::Malformed),
        }))
    }

    fn kept(&mut self, line: &[u8]) -> Result<Vec<u8>, Fault> {
        self.spend(line.len())?;
        let mut kept = Vec::new();
        kept.try_reserve_exact(line.len()).map_err(|_| Fault::NoMemory)?;
        kept.extend_from_slice(line);
        Ok(kept)
    }

    /// `None`: the value is not there.
    fn length(&self, digits: &[u8], most: usize) -> Result<Option<usize>, Fault> {
        match number(digits)? {
            -1 => Ok(None),
            length => {
                let length = u64::try_from(length).map_err(|_| Fault::Malformed)?;
                usize::try_from(length).ok().filter(|length| *length <= most).map(Some).ok_or(Fault::TooBig)
            }
        }
    }

    fn take_bulk(&mut self, mut bulk: Bulk, bytes: &mut &[u8]) -> Result<Option<Value>, Fault> {
        let (piece, rest) = bytes.split_at(bulk.left.min(bytes.len()));
        *bytes = rest;
        bulk.bytes.try_reserve(piece.len()).map_err(|_| Fault::NoMemory)?;
        bulk.bytes.extend_from_slice(piece);
        bulk.left -= piece.len();
        if bulk.left > 0 {
            self.bulk = Some(bulk);
            return Ok(None);
        }
        let Bulk { bytes: mut string, .. } = bulk;
        if !string.ends_with(END) {
            return Err(Fault::Malformed);
        }
        string.truncate(string.len() - END.len());
        Ok(Some(Value::Bulk(string)))
    }

    /// Puts a value where it belongs; gives the reply once it is whole.
    fn put(&mut self, mut value: Value) -> Result<Option<Value>, Fault> {
        self.spend(size_of::<Value>())?;
        while let Some(array) = self.arrays.last_mut() {
            if array.items.len() == array.items.capacity() {
                let more = array.left.min(array.items.len().max(AT_ONCE));
                array.items.try_reserve_exact(more).map_err(|_| Fault::NoMemory)?;
            }
            array.items.push(value);
            array.left -= 1;
            if array.left > 0 {
                return Ok(None);
            }
            value = Value::Array(mem::take(&mut array.items));
            self.arrays.pop();
        }
        Ok(Some(value))
    }
}

fn number(digits: &[u8]) -> Result<i64, Fault> {
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(Fault::Malformed)
}

#[cfg(test)]
impl Decoder {
    /// Bytes that it holds.
    pub(super) fn room(&self) -> usize {
        let bulk = self.bulk.as_ref().map_or(0, |bulk| bulk.bytes.capacity());
        let items: usize = self.arrays.iter().map(|array| array.items.capacity() * size_of::<Value>()).sum();
        self.line.capacity() + bulk + items
    }
}
