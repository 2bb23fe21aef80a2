//! What large messages may take of a round.

use std::time::Duration;

/// What connections that become ready, or that something is asked of, may do at once in a round together, and what each
/// may in a turn of its own ([`super::ThreadContext::requeued`]). Beyond it they are requeued. Short messages are not
/// asked for it.
pub struct Budget {
    /// To write: some 200 µs.
    pub bytes: usize,
    /// To compress and to expand.
    pub time: Duration,
}

impl Budget {
    /// For a round, or a turn, that begins.
    pub const FULL: Self = Self { bytes: 512 * 1024, time: Duration::from_micros(250) };
}
