//! The body of a request: of a length that is told beforehand, or in chunks (RFC 9112 sections 6 and 7).

use super::fault::Fault;
use crate::error::memory;

/// The longest line of a chunk's size with its extensions, and of all trailers together.
const MAX_LINE: usize = 256;
const MAX_TRAILERS: usize = 8 * 1024;
/// What is reserved at once: a declared length alone must not cost memory.
const STEP: usize = 64 * 1024;

/// How a body's end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
}

impl Framing {
    /// There is none.
    pub fn is_empty(self) -> bool {
        self == Framing::Length(0)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// So many bytes are left of the body, or of the chunk.
    Data(u64),
    /// The line of a chunk's size, so far.
    Size(Vec<u8>),
    /// The line end behind a chunk's data; whether its CR has come.
    End(bool),
    /// Trailers: how much of them has come, and whether the present line is empty so far.
    Trailer {
        taken: usize,
        empty: bool,
        cr: bool,
    },
    Done,
}

/// A body as it comes in.
#[derive(Debug)]
pub struct Body {
    state: State,
    chunked: bool,
    limit: usize,
    bytes: Vec<u8>,
}

impl Body {
    /// One of at most `limit` bytes.
    ///
    /// # Errors
    /// 413: its declared length is over the limit.
    pub fn new(framing: Framing, limit: usize) -> Result<Self, Fault> {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) if length > limit as u64 => return Err(too_large()),
            Framing::Length(length) => State::Data(length),
            Framing::Chunked => State::Size(Vec::new()),
        };
        Ok(Self { state, chunked: framing == Framing::Chunked, limit, bytes: Vec::new() })
    }

    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// What it holds in memory.
    pub fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// What has come of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Takes what has come: how many of the bytes belong to it. The rest, if any, is the next request's.
    ///
    /// # Errors
    /// 400: the chunks are malformed; 413: over the limit; 503: no memory for it.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            at += self.step(&bytes[at..])?;
        }
        Ok(at)
    }

    fn step(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let byte = bytes[0];
        match &mut self.state {
            State::Data(left) => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= count as u64;
                let done = *left == 0;
                self.take(&bytes[..count])?;
                if done {
                    self.state = if self.chunked { State::End(false) } else { State::Done };
                }
                return Ok(count);
            }
            State::Size(line) => match byte {
                b'\n' => {
                    let size = chunk_size(line)?;
                    self.state = match size {
                        0 => State::Trailer { taken: 0, empty: true, cr: false },
                        size if size > (self.limit - self.bytes.len()) as u64 => return Err(too_large()),
                        size => State::Data(size),
                    };
                }
                _ if line.len() == MAX_LINE => return Err(bad_chunk()),
                _ => line.push(byte),
            },
            State::End(cr) => match (byte, *cr) {
                (b'\r', false) => *cr = true,
                (b'\n', true) => self.state = State::Size(Vec::new()),
                _ => return Err(bad_chunk()),
            },
            State::Trailer { taken, empty, cr } => {
                *taken += 1;
                match byte {
                    b'\n' if *cr && *empty => self.state = State::Done,
                    b'\n' if *cr => (*empty, *cr) = (true, false),
                    b'\r' if !*cr => *cr = true,
                    b'\r' | b'\n' => return Err(bad_chunk()),
                    _ if *cr || *taken > MAX_TRAILERS => return Err(bad_chunk()),
                    _ => *empty = false,
                }
            }
            State::Done => return Ok(0),
        }
        Ok(1)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let room = self.bytes.capacity() - self.bytes.len();
        if room < bytes.len() {
            // Twice what is there, as a vector grows, but never far beyond what has come.
            let more = bytes.len().max(self.bytes.len()).max(STEP.min(self.limit));
            let no_memory = |_| Fault::new(503, "Out of memory");
            memory::reserve(&mut self.bytes, more).map_err(no_memory)?;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

fn too_large() -> Fault {
    Fault::new(413, "The body is too large")
}

fn bad_chunk() -> Fault {
    Fault::new(400, "Bad chunk")
}

/// The size of a chunk: hexadecimal digits, then perhaps extensions, then CR. Nothing else that some reader may take for
/// a number.
fn chunk_size(line: &[u8]) -> Result<u64, Fault> {
    let line = line.strip_suffix(b"\r").ok_or_else(bad_chunk)?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = line.split_at(digits);
    let extension = rest.trim_ascii_start();
    if digits.is_empty()
        || digits.len() > 15
        || !(extension.is_empty() && rest.is_empty() || extension.starts_with(b";"))
    {
        return Err(bad_chunk());
    }
    if rest.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(bad_chunk());
    }
    let text = std::str::from_utf8(digits).map_err(|_| bad_chunk())?;
    u64::from_str_radix(text, 16).map_err(|_| bad_chunk())
}
