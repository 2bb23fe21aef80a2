//! What is asked of a connection on its I/O thread.

use crate::engine::shared::Reason;
use crate::ws::Refusal;

/// See the module's page. What a connection asks for that is not in the thread's hands any more comes to nothing.
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
    /// The host has decided about a newcomer; `None` lets it in.
    Decide(Option<Refusal>),
    Ping(u64),
}

impl Ask {
    /// Whether it only goes on with reading or writing, which a guest of the loop may do.
    pub fn is_plain_io(&self) -> bool {
        matches!(self, Ask::Flush | Ask::Resume)
    }
}
