//! One request of plain HTTP with its answer, on a connection that may serve several, one behind the other.

use crate::error::{Result, memory};
use crate::http::{Body, Content, Pieces, Request, Response};

/// How much of a content that lies in memory is offered to the kernel in a turn.
const PIECE: usize = 256 * 1024;
/// What goes along with the head.
const FIRST_PIECE: usize = 32 * 1024;

/// How far it has come.
pub enum Progress {
    /// The body comes in.
    Receiving(Box<(Request, Body)>),
    /// A worker makes the answer.
    Working,
    /// A worker reads the next piece; so many bytes are left, it included.
    Reading(u64),
    /// It is written: what is left of the content, and from where.
    Sending(Content, usize),
}

/// See the module's page.
pub struct Exchange {
    pub progress: Progress,
    /// What came behind the request.
    pub rest: Vec<u8>,
    /// The connection goes on afterwards.
    pub keep: bool,
    /// The request was HTTP/1.0.
    pub old: bool,
    /// HEAD: the content is not sent.
    pub bodiless: bool,
    /// For the log: method and path.
    pub subject: String,
    /// The kernel may hold more from the peer, of which no event will tell any more.
    pub unread: bool,
    /// Bytes of the piece under way that had gone when the deadline was set.
    pub gone: usize,
}

/// What comes after a piece has been written.
pub enum Next {
    /// Nothing is due.
    Wait,
    /// More from memory.
    Write(Vec<u8>),
    /// More from a file.
    Read(Box<dyn Pieces>),
    Done,
}

impl Exchange {
    /// The bytes to begin an answer with; the rest of it follows by [`Exchange::next`].
    pub fn begin(&mut self, response: Response) -> Vec<u8> {
        let mut first = response.head(self.keep, self.old);
        let content = if self.bodiless { Content::Bytes(Vec::new()) } else { response.content };
        let mut from = 0;
        // With less memory the head goes alone.
        if let Content::Bytes(bytes) = &content
            && let size = bytes.len().min(FIRST_PIECE)
            && memory::reserve(&mut first, size).is_ok()
        {
            from = size;
            first.extend_from_slice(&bytes[..from]);
        }
        self.progress = Progress::Sending(content, from);
        self.gone = 0;
        first
    }

    /// The bytes before have been written.
    ///
    /// # Errors
    /// `NoMemory`: none for the next piece.
    pub fn next(&mut self) -> Result<Next> {
        self.gone = 0;
        let Progress::Sending(content, from) = &mut self.progress else { return Ok(Next::Wait) };
        Ok(match content {
            Content::Bytes(bytes) if *from == bytes.len() => Next::Done,
            Content::Bytes(bytes) => {
                let to = bytes.len().min(*from + PIECE);
                let piece = memory::collect(to - *from, bytes[*from..to].iter().copied())?;
                *from = to;
                Next::Write(piece)
            }
            Content::Pieces(_, 0) => Next::Done,
            Content::Pieces(_, left) => {
                let reading = Progress::Reading(*left);
                match std::mem::replace(&mut self.progress, reading) {
                    Progress::Sending(Content::Pieces(pieces, _), _) => Next::Read(pieces),
                    _ => Next::Wait,
                }
            }
        })
    }

    /// The next piece has been read; false: it is not what was announced, a file has changed meanwhile.
    pub fn has_read(&mut self, pieces: Box<dyn Pieces>, piece: &[u8]) -> bool {
        let Progress::Reading(left) = self.progress else { return false };
        let size = piece.len() as u64;
        self.progress = Progress::Sending(Content::Pieces(pieces, left.saturating_sub(size)), 0);
        (1..=left).contains(&size)
    }
}
