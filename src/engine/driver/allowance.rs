//! What the peer of a connection may send, and what it has sent.

use crate::net::CompactInstant;
use std::time::Duration;

/// How far a peer may be ahead of its average: that is the burst of twice a second's messages.
const BURST: Duration = Duration::from_secs(2);

/// See the module's page.
pub struct Pace {
    /// The time that one message takes; zero: without limit.
    pub each: Duration,
    /// When all that has come would have been due.
    pub due: CompactInstant,
    /// How many messages there were in both directions when that was last looked at, and since when.
    pub seen: u64,
    pub since: CompactInstant,
    /// When the timer that is set will fire.
    pub armed: Option<CompactInstant>,
}

impl Pace {
    /// When the next message may come; `None`: now.
    pub fn next(&self, now: CompactInstant) -> Option<CompactInstant> {
        let earliest = self.due + self.each - BURST.max(self.each);
        (!self.each.is_zero() && earliest > now).then_some(earliest)
    }

    pub fn spend(&mut self, messages: u64, now: CompactInstant) {
        let messages = u32::try_from(messages).unwrap_or(u32::MAX);
        self.due = self.due.max(now) + self.each.saturating_mul(messages);
    }
}
