//! What the peer of a connection may do: how many messages it sends on average, and how long it may be silent.
//!
//! Both have a timer of their own, so that a connection without such limits does nothing for them.

use super::allowance::Pace;
use super::reading::DecodeEnd;
use super::state::{Disposition, Driver, Phase};
use crate::engine::inbox::HandlerGuard;
use crate::engine::io::ThreadContext;
use crate::engine::shared::Reason;
use crate::error::{Error, Id, memory};
use crate::options::Opt;
use crate::ws::Violation;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Distinguishes the timer from the other of the same connection.
const STAMP: u64 = 1 << 63;
/// A silence is found no later than this part of it after its end.
const PART: u32 = 8;
const SHORTEST: Duration = Duration::from_millis(1);

/// What was read has to be kept, and there is no memory for it.
fn no_memory(error: Error) -> Violation {
    Violation { code: 1011, error }
}

impl Driver {
    /// Whether a timer that fires is the one of these limits.
    pub fn is_pace_timer(&self, stamp: u64) -> bool {
        stamp == self.connection.serial | STAMP
    }

    /// A connection has opened, or one of the limits has changed.
    pub fn set_pace(&mut self, io: &mut ThreadContext) -> Disposition {
        if self.is_client() || !matches!(self.phase, Phase::Open) {
            return Disposition::Keep;
        }
        let rate = u32::try_from(self.owner.options().int(Opt::MessagesPerSecond)).unwrap_or(0);
        let each = if rate == 0 { Duration::ZERO } else { Duration::from_secs(1) / rate };
        if rate == 0 && self.time(Opt::IdleTimeout).is_none() {
            self.pace = None;
        } else if let Some(pace) = &mut self.pace {
            pace.each = each;
        } else {
            let (seen, now) = (self.messages(), io.now);
            self.pace = Some(Box::new(Pace { each, due: now, seen, since: now, armed: None }));
        }
        self.check_pace_now(io)
    }

    /// Messages in both directions.
    fn messages(&self) -> u64 {
        let counters = &self.connection.counters;
        counters.messages_in.load(Relaxed) + counters.messages_out.load(Relaxed)
    }

    /// The timer has fired.
    pub fn check_pace(&mut self, io: &mut ThreadContext) -> Disposition {
        // One that was set before a nearer one fires for nothing.
        if let Some(pace) = &mut self.pace {
            pace.armed = pace.armed.filter(|armed| *armed > io.now);
        }
        self.check_pace_now(io)
    }

    fn check_pace_now(&mut self, io: &mut ThreadContext) -> Disposition {
        if !matches!(self.phase, Phase::Open) || self.closing.has_begun() {
            return Disposition::Keep;
        }
        let until = self.paused_input.as_ref().and_then(|paused| paused.until);
        let over =
            until.is_some_and(|until| until <= io.now || self.pace.as_ref().is_none_or(|pace| pace.each.is_zero()));
        if over && self.go_on(io, |paused| paused.until = None) == Disposition::Remove {
            return Disposition::Remove;
        }
        let messages = self.messages();
        let idle = self.time(Opt::IdleTimeout);
        let Some(pace) = &mut self.pace else { return Disposition::Keep };
        if pace.seen != messages {
            (pace.seen, pace.since) = (messages, io.now);
        }
        if idle.is_some_and(|idle| io.now.saturating_duration_since(pace.since) >= idle) {
            let ms = self.owner.options().int(Opt::IdleTimeout);
            return self.close(io, 1001, Reason::Ours(Error::new(Id::Idle, [ms.into()])), false);
        }
        self.arm_pace(io);
        Disposition::Keep
    }

    /// Sets the timer for what comes first.
    fn arm_pace(&mut self, io: &mut ThreadContext) {
        let idle = self.time(Opt::IdleTimeout);
        let until = self.paused_input.as_ref().and_then(|paused| paused.until);
        let Some(pace) = &mut self.pace else { return };
        let silence = idle.map(|idle| (pace.since + idle).min(io.now + (idle / PART).max(SHORTEST)));
        let Some(due) = [silence, until].into_iter().flatten().min() else { return };
        let due = due.max(io.now + SHORTEST);
        if pace.armed.is_none_or(|armed| due < armed) {
            io.timers.set(due, self.token, self.connection.serial | STAMP);
            pace.armed = Some(due);
        }
    }

    /// How many bytes of these may be taken: a frame at most where messages are limited. `None`: none now, and reading
    /// pauses.
    fn allowed(&mut self, io: &mut ThreadContext, bytes: &[u8]) -> Result<Option<usize>, Violation> {
        let next = self.pace.as_ref().and_then(|pace| pace.next(io.now));
        if let Some(next) = next {
            let rest = memory::collect(bytes.len(), bytes.iter().copied()).map_err(no_memory)?;
            self.pause(io, |paused| (paused.until, paused.rest) = (Some(next), rest));
            self.arm_pace(io);
            return Ok(None);
        }
        Ok(Some(self.decoder.next_frame(bytes).min(bytes.len())))
    }

    /// As [`Driver::decode`], frame by frame, where the peer may send so many messages at a time.
    pub(super) fn decode_metered(
        &mut self,
        io: &mut ThreadContext,
        bytes: &mut [u8],
        run: &mut Option<HandlerGuard>,
    ) -> DecodeEnd {
        let mut left = bytes;
        while !left.is_empty() {
            let size = match self.allowed(io, left) {
                Ok(Some(size)) => size,
                Ok(None) => return DecodeEnd::End,
                Err(violation) => return DecodeEnd::Violation(violation),
            };
            let (frame, behind) = left.split_at_mut(size);
            let before = self.connection.counters.messages_in.load(Relaxed);
            let end = self.decode(io, frame, run);
            self.spend(io, self.connection.counters.messages_in.load(Relaxed) - before);
            if !matches!(end, DecodeEnd::End) || self.closing.ignores_input() {
                return end;
            }
            let rest = match (&mut self.paused_input, &mut self.undecoded) {
                (Some(paused_input), _) => Some(&mut paused_input.rest),
                (None, Some(undecoded)) => Some(&mut undecoded.0),
                (None, None) => None,
            };
            if let Some(rest) = rest {
                if let Err(error) = memory::reserve(rest, behind.len()) {
                    return DecodeEnd::Violation(no_memory(error));
                }
                rest.extend_from_slice(behind);
                return DecodeEnd::End;
            }
            left = behind;
        }
        DecodeEnd::End
    }

    /// Whether what comes is to be taken frame by frame. A close has to get through.
    pub(super) fn is_metered(&self) -> bool {
        self.pace.as_ref().is_some_and(|pace| !pace.each.is_zero()) && !self.closing.has_begun()
    }

    /// Counts what has come.
    pub(super) fn spend(&mut self, io: &ThreadContext, messages: u64) {
        if let Some(pace) = self.pace.as_mut().filter(|_| messages > 0) {
            pace.spend(messages, io.now);
        }
    }
}
