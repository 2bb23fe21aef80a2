//! Reading pauses, and goes on: for want of room, because the host says so, or because the peer is too fast.

use super::state::{Disposition, Driver, PausedInput, Phase};
use crate::engine::io::ThreadContext;
use crate::log;

impl Driver {
    /// Pauses reading for one more reason.
    pub(super) fn pause(&mut self, io: &ThreadContext, because: impl FnOnce(&mut PausedInput)) {
        because(self.paused_input.get_or_insert_default());
        self.keepalive.paused(io.now);
    }

    /// The receive queue has room again.
    pub fn queue_has_room(&mut self, io: &mut ThreadContext) -> Disposition {
        self.go_on(io, |paused| paused.by_queue = false)
    }

    /// The host wants it to be read no more, or again.
    pub fn hold(&mut self, io: &mut ThreadContext, on: bool) -> Disposition {
        if !on {
            return self.go_on(io, |paused| paused.by_host = false);
        }
        if matches!(self.phase, Phase::Open) && !self.closing.has_begun() {
            self.pause(io, |paused| paused.by_host = true);
            log::debug!(self.subject(), "the host pauses reading");
        }
        Disposition::Keep
    }

    /// One of the reasons is gone; reading goes on with the last.
    pub(super) fn go_on(&mut self, io: &mut ThreadContext, without: impl FnOnce(&mut PausedInput)) -> Disposition {
        let Some(paused) = &mut self.paused_input else { return Disposition::Keep };
        without(paused);
        if paused.by_queue || paused.by_host || paused.until.is_some() {
            return Disposition::Keep;
        }
        self.resume(io)
    }
}
