//! What is asked of a connection on its I/O thread.

use crate::engine::shared::Reason;
use crate::ws::Refusal;

/// See the module's page. A request to a connection that the thread no longer has is dropped.
pub enum Ask {
    /// Something waits to be sent.
    Flush,
    /// There is room again in the receive queue.
    Resume,
    /// An option that its timers depend on has changed.
    Retime,
    Close {
        code: u16,
        reason: Reason,
        discard: bool,
    },
    Abort,
    /// The host has decided about an incoming connection; `None` accepts it.
    Decide(Option<Refusal>),
    Ping(u64),
}

impl Ask {
    /// Whether it only goes on with reading or writing, which a borrower of the loop may do.
    pub fn is_plain_io(&self) -> bool {
        matches!(self, Ask::Flush | Ask::Resume)
    }
}
