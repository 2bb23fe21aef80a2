//! What is asked of a connection on its I/O thread.

use crate::engine::shared::Reason;
use crate::http::{Pieces, Response};
use crate::ws::Refusal;
use std::io;

/// See the module's page. A request to a connection that the thread no longer has is dropped.
pub enum Ask {
    /// Something waits to be sent.
    Flush,
    /// There is room again in the receive queue.
    Resume,
    /// An option that its timers depend on has changed.
    Retime,
    /// An option that limits what its peer may send has changed.
    Pace,
    /// The host wants it to be read no more, or again.
    Hold(bool),
    Close {
        code: u16,
        reason: Reason,
        discard: bool,
    },
    Abort,
    /// The host has decided about an incoming connection; `None` accepts it.
    Decide(Option<Refusal>),
    Ping(u64),
    /// A worker has done what plain HTTP needed it for.
    Worked(Box<Worked>),
}

/// What a worker has done for an answer.
pub enum Worked {
    Answer(Response),
    Piece(Box<dyn Pieces>, io::Result<Vec<u8>>),
}

impl Ask {
    /// Whether it only goes on with reading or writing, which a borrower of the loop may do.
    pub fn is_plain_io(&self) -> bool {
        matches!(self, Ask::Flush | Ask::Resume)
    }
}
